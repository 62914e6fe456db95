import { stringify } from 'yaml'
import type { Join } from '../mesh-join.ts'
import { MESH, MESH_LABEL, nodeName } from '../mesh-names.ts'
import { AT, UNIT } from './paths.ts'
import type { K3sPlan, PlannedFile, VmFacts } from './types.ts'
import { k3sUnit } from './units.ts'

/**
 * Bytes of a packet that passes between VMs: what lies between clouds takes 1500 and no jumbo. Flannel takes
 * WireGuard's 80 bytes off by itself (pkg/backend/wireguard/wireguard_network.go).
 */
const PATH_MTU = 1500

/** Main's part. Facts of a main: `mainIsNear` says nothing. @param launch five characters */
export function planServer(facts: VmFacts, launch: string): K3sPlan {
  const name = nodeName({ vm: facts.vm, rank: 0, launch })
  const { publicIp, privateIp } = facts
  const config = {
    ...nodeConfig(facts, name, { [MESH_LABEL.role]: 'main' }),
    'node-ip': privateIp,
    ...(publicIp === null ? {} : { 'node-external-ip': publicIp, 'flannel-external-ip': true }),
    'tls-san': [...new Set([privateIp, publicIp].filter(one => one !== null))],
    'https-listen-port': MESH.apiPort,
    'cluster-cidr': MESH.podCidr,
    'service-cidr': MESH.serviceCidr,
    'cluster-dns': MESH.dns,
    'cluster-domain': MESH.domain,
    'flannel-backend': 'wireguard-native',
    // A mesh of VMs: nothing in it is an ingress, a load balancer, or a volume.
    disable: ['traefik', 'servicelb', 'metrics-server', 'local-storage'],
    'disable-helm-controller': true,
    'disable-network-policy': true,
    'write-kubeconfig-mode': '0600',
    'secrets-encryption': true,
    // CoreDNS tolerates it; nobody else comes here.
    'node-taint': ['CriticalAddonsOnly=true:NoExecute'],
  }
  return k3sPlan('server', name, [configFile(config), flannelFile(facts)])
}

/**
 * A VM's part. Near main it is known by its private address, which main and all that is peered with main reaches; else
 * by its public one.
 */
export function planAgent(facts: VmFacts, join: Join, launch: string): K3sPlan {
  const name = nodeName({ vm: facts.vm, rank: facts.rank, launch })
  const external = facts.mainIsNear ? null : facts.publicIp
  const config = {
    server: `https://${serverHost(facts, join)}:${join.main.port}`,
    'token-file': AT.token,
    ...nodeConfig(facts, name, { ...join.labels, [MESH_LABEL.role]: 'vm' }),
    'node-ip': facts.privateIp,
    ...(external === null ? {} : { 'node-external-ip': external }),
    // No pods at all: the VM is its tenant's.
    'node-taint': [`${MESH_LABEL.role}=vm:NoSchedule`],
    // Weights may fill the disk; there are no pods that could be evicted for it.
    'kubelet-arg': ['eviction-hard=imagefs.available<1%,nodefs.available<1%', 'max-pods=4'],
  }
  const token = { path: AT.token, mode: 0o600, content: `${join.token}\n` }
  return k3sPlan('agent', name, [configFile(config), flannelFile(facts), token])
}

/** The host at which this VM reaches main. */
export function serverHost({ mainIsNear }: Pick<VmFacts, 'mainIsNear'>, { main }: Join): string {
  return (mainIsNear ? main.privateIp : main.publicIp) ?? main.publicIp ?? main.privateIp ?? ''
}

function nodeConfig(facts: VmFacts, name: string, labels: Readonly<Record<string, string>>) {
  const all = { ...labels, ...placeLabels(facts), [MESH_LABEL.vm]: facts.vm }
  return {
    'node-name': name,
    'node-label': Object.entries(all).map(([key, value]) => `${key}=${value}`),
    'flannel-iface': facts.interface,
    'flannel-conf': AT.flannel,
  }
}

/** Where SkyPilot's name for a place can be a label's value: a Kubernetes context cannot always. */
function placeLabels({ cloud, region }: VmFacts): Record<string, string> {
  const places = { [MESH_LABEL.cloud]: cloud, [MESH_LABEL.region]: region }
  const isValue = (text: string) => /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(text)
  return Object.fromEntries(
    Object.entries(places).filter((place): place is [string, string] => isValue(place[1] ?? '')),
  )
}

function k3sPlan(role: 'server' | 'agent', name: string, files: readonly PlannedFile[]): K3sPlan {
  const unit = { path: `${AT.units}/${UNIT.k3s}`, mode: 0o644, content: k3sUnit(role) }
  return { role, nodeName: name, files: [...files, unit], unit: UNIT.k3s, kubeconfig: AT.kubelet }
}

function configFile(config: object): PlannedFile {
  return { path: AT.config, mode: 0o600, content: stringify(config, { lineWidth: 0 }) }
}

/** A file of one's own replaces K3s's whole, its keepalive of 25 s included, without which NATs forget their VM. */
function flannelFile({ mtu }: VmFacts): PlannedFile {
  const conf = {
    Network: MESH.podCidr,
    EnableIPv4: true,
    EnableIPv6: false,
    Backend: {
      Type: 'wireguard',
      MTU: Math.min(mtu, PATH_MTU),
      PersistentKeepaliveInterval: 25,
      Mode: 'separate',
    },
  }
  return { path: AT.flannel, mode: 0o644, content: `${JSON.stringify(conf, null, 2)}\n` }
}
