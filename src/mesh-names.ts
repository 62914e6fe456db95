/**
 * The names and numbers that both sides of the mesh agree on: what runs on VMs (src/node) and the runner (src/mesh).
 * Addresses and ports are K3s's own defaults: https://docs.k3s.io/installation/requirements
 */
export const MESH = {
  /** Services and their EndpointSlices: `<VM name>.default.svc.cluster.local`. */
  namespace: 'default',
  /** What the mesh keeps for itself: Leases of agents, and which launch a VM's name is bound to. */
  ownNamespace: 'lmrun',
  domain: 'cluster.local',
  podCidr: '10.42.0.0/16',
  serviceCidr: '10.43.0.0/16',
  dns: '10.43.0.10',
  apiPort: 6443,
  wireguardPort: 51820,
} as const

/** Labels of the mesh's own objects, beside those of src/labels.ts, which Nodes carry too. */
export const MESH_LABEL = {
  /** VM name: on Nodes, Services, EndpointSlices and Leases. */
  vm: 'lmrun-vm',
  /** `main` or `vm`, on Nodes. */
  role: 'lmrun-mesh-role',
  /** Where the VM is, as SkyPilot says, on Nodes: `aws`, `us-east-1`. A kubelet may give itself the second, too. */
  cloud: 'lmrun-cloud',
  region: 'topology.kubernetes.io/region',
  service: 'kubernetes.io/service-name',
} as const

/** ConfigMap in `ownNamespace`: VM name → the launch that it is bound to. Written by main alone. */
export const BINDINGS = 'lmrun-bindings'

/** ConfigMap in `ownNamespace`: `main` is what main tells of itself, as JSON. */
export const MAIN_INFO = 'lmrun-main'

/** Below the home of the VM's user; written by the runner over ssh, 0600. */
export const JOIN_FILE = '.lmrun/join.json'
/** On main, below the home of its user: an admin's kubeconfig for 127.0.0.1, for the runner's ssh alone; 0600. */
export const KUBECONFIG_FILE = '.lmrun/kubeconfig'

export interface NodeName {
  /** VM name. */
  readonly vm: string
  /** Of a VM of several nodes; 0 is its head. */
  readonly rank: number
  /** Five characters, the same on all ranks and new at every launch: a Node is never met by its predecessor's password. */
  readonly launch: string
}

/** `qwen-coder-4f7k2.0.x8d3a`: VM names have no dot, so who a Node is can be read from its name alone. */
export function nodeName({ vm, rank, launch }: NodeName): string {
  return `${vm}.${rank}.${launch}`
}

/** Null for what is no Node of a VM. */
export function readNodeName(name: string): NodeName | null {
  const [, vm, rank, launch] = /^([a-z](?:[-a-z0-9]*[a-z0-9])?)\.(\d{1,3})\.([a-z0-9]{5})$/.exec(name) ?? []
  if (vm === undefined || rank === undefined || launch === undefined) return null
  return { vm, rank: Number(rank), launch }
}

/** `qwen-coder.default.svc.cluster.local` */
export function serviceHost(vm: string): string {
  return `${vm}.${MESH.namespace}.svc.${MESH.domain}`
}
