/**
 * A mesh on this one machine: real etcd, kube-apiserver, kube-controller-manager, kube-proxy, flannel and CoreDNS, in
 * VMs that are kernel namespaces. Needs Linux, root and what build.ts prepares. Labs stand side by side, and nothing of
 * one is left when its test's process ends, however that ends.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Access } from './api.ts'
import { componentsFolder } from './build.ts'
import { ControlPlane } from './control-plane.ts'
import { DNS, startDns } from './dns.ts'
import { labFolder, removeFolder, sweepFolders } from './folders.ts'
import { Forwards } from './forwards.ts'
import { allowJoining, createToken } from './joining.ts'
import { Machine, type MachineProcess } from './machine.ts'
import { Network } from './network.ts'
import { Pki } from './pki.ts'

const MAIN = 'main'
/** Where a machine of the lab has the stand-in for K3s's command, to be called or copied by what installs K3s. */
export const K3S = '/opt/mesh-lab/k3s'
const TOKEN_FILE = '/etc/rancher/k3s/join-token'
const JOIN_MS = 60_000

export interface MeshLabOptions {
  /** Beside main, which is always there. */
  readonly vms: readonly string[]
  /** Bytes of each VM's eth0, 1500 where nothing is said. */
  readonly mtu?: Readonly<Record<string, number>>
  /** Seconds between two heartbeats of a node: 2 (K3s: 10). */
  readonly heartbeatSeconds?: number
  /** Seconds without a heartbeat until a Node is NotReady: 12 (K3s: 50). */
  readonly nodeGraceSeconds?: number
}

export interface JoinOptions {
  readonly nodeName: string
  /** `ID.SECRET`, with or without K3s's `K10<hash>::` before it. */
  readonly token: string
  /** The API server; main's address where nothing is said. */
  readonly server?: string
  /** More flags of `k3s agent`: `--node-label=a=b`. */
  readonly flags?: readonly string[]
}

export interface JoinedNode {
  readonly name: string
  readonly podCidr: string
  /** The node's own address in the mesh: the first of its pods' range. */
  readonly address: string
  /** K3s's stand-in; its end is the end of flannel, kube-proxy and heartbeats. */
  readonly k3s: MachineProcess
}

/** A machine in the lab's network. */
export interface LabVm {
  readonly name: string
  /** In the network that all VMs share, outside of the mesh. */
  readonly address: string
  readonly machine: Machine
  spawn: Machine['spawn']
  run: Machine['run']
  file: Machine['file']
  /** Resolves with a port of 127.0.0.1 here that leads to `port` on the VM, or on a host that the VM reaches. */
  forward(port: number, host?: string): Promise<number>
}

export class MeshLab implements AsyncDisposable {
  readonly folder: string
  private readonly pki: Pki
  private readonly network: Network
  private readonly forwards: Forwards
  private readonly options: MeshLabOptions
  private readonly vms = new Map<string, LabVm>()
  private plane: ControlPlane | undefined
  private pod: Machine | undefined
  private hash = ''

  private constructor(folder: string, pki: Pki, network: Network, options: MeshLabOptions) {
    this.folder = folder
    this.pki = pki
    this.network = network
    this.options = options
    this.forwards = new Forwards(folder)
  }

  /** See startMeshLab. */
  static async start(options: MeshLabOptions): Promise<MeshLab> {
    await sweepFolders()
    const folder = await labFolder()
    const [pki, network] = await Promise.all([
      Pki.create(path.join(folder, 'pki')),
      Network.start(path.join(folder, 'logs')),
    ])
    const lab = new MeshLab(folder, pki, network, options)
    try {
      await lab.bringUp()
      return lab
    } catch (error) {
      await lab.stop()
      throw error
    }
  }

  get main(): LabVm {
    return this.vm(MAIN)
  }

  /** The API server as VMs reach it. */
  get server(): string {
    return `https://${this.main.address}:6443`
  }

  /** The administrator's access to the API server, from the test's side. */
  get admin(): Access {
    if (!this.plane) throw new Error('the lab has no API server yet')
    return this.plane.admin
  }

  /** Path of the administrator's kubeconfig for the test's side; main's own is /etc/rancher/k3s/k3s.yaml there. */
  get adminKubeconfig(): string {
    return this.pki.file('admin.kubeconfig')
  }

  /** Path of the CA's certificate. */
  get caFile(): string {
    return this.pki.file('ca.crt')
  }

  /** SHA-256 of the CA, as K3s's tokens have it. */
  get caHash(): string {
    return this.hash
  }

  vm(name: string): LabVm {
    const vm = this.vms.get(name)
    if (!vm) throw new Error(`no VM is called ${name}`)
    return vm
  }

  /** One more VM; also in the place of one that vanished. */
  async addVm(name: string): Promise<LabVm> {
    const machine = await Machine.start(name, path.join(this.folder, 'logs'))
    const mtu = this.options.mtu?.[name]
    const address = await this.network.plugIn(machine, mtu === undefined ? {} : { mtu })
    const vm: LabVm = {
      name,
      address,
      machine,
      spawn: machine.spawn.bind(machine),
      run: machine.run.bind(machine),
      file: machine.file.bind(machine),
      forward: async (port, host) => this.forwards.open(machine, port, host),
    }
    this.vms.set(name, vm)
    await this.furnish(vm)
    return vm
  }

  /** The VM vanishes with all that runs on it; what others know of it stays. */
  async vanish(name: string): Promise<void> {
    await this.vm(name).machine.end()
    this.vms.delete(name)
  }

  /** Mints a join token in K3s's secure form, as `k3s token create` on main does. */
  async createToken({ ttlSeconds = 3_600 }: { readonly ttlSeconds?: number } = {}): Promise<string> {
    return `K10${this.hash}::${await createToken(this.admin, ttlSeconds)}`
  }

  /**
   * In the place of "install K3s and start its agent": resolves when the VM is a node of the mesh, with flannel,
   * kube-proxy and heartbeats. @throws Error with what K3s's stand-in said: a token or name that was refused
   */
  async joinAs(
    name: string,
    { nodeName, token, server = this.server, flags = [] }: JoinOptions,
  ): Promise<JoinedNode> {
    const vm = this.vm(name)
    await mkdir(vm.file(path.dirname(TOKEN_FILE)), { recursive: true })
    await writeFile(vm.file(TOKEN_FILE), token, { mode: 0o600 })
    const given = ['--server', server, '--token-file', TOKEN_FILE, '--node-name', nodeName]
    const k3s = vm.spawn(K3S, ['agent', ...given, ...flags])
    const late = setTimeout(() => k3s.signal('SIGKILL'), JOIN_MS)
    try {
      const [, podCidr = ''] = await k3s.saw(/^k3s is up: \S+ (\S+)$/m)
      return { name: nodeName, podCidr, address: podCidr.replace(/\/.*/, ''), k3s }
    } catch (error) {
      await k3s.end()
      throw error
    } finally {
      clearTimeout(late)
    }
  }

  /** `kubectl ARGS…` on main, as administrator. */
  async kubectl(...args: string[]): Promise<string> {
    return this.main.run('kubectl', args)
  }

  /** Nothing reaches the VM or comes from it any more; its link stays up, as behind a broken router. */
  async cutOff(name: string): Promise<void> {
    await this.network.cutOff(name)
  }

  async restore(name: string): Promise<void> {
    await this.network.restore(name)
  }

  /** Packets of more bytes to or from the VM are lost without a word; a VM's own eth0 still takes 1500. */
  async setPathMtu(name: string, bytes: number): Promise<void> {
    await this.network.setPathMtu(name, bytes)
  }

  /** A crash of the API server; resolves when it serves again. */
  async restartApiServer(): Promise<void> {
    await this.plane?.restartApiServer()
  }

  /** Every resourceVersion seen before is too old (410) for watches and lists. Includes a crash of the API server. */
  async compactHistory(): Promise<void> {
    await this.plane?.compactHistory()
  }

  /** Names of the VM's resolver: the mesh's DNS answers all, in the place of a host's split DNS. */
  async resolveByMesh(name: string): Promise<void> {
    const search = 'default.svc.cluster.local svc.cluster.local cluster.local'
    await writeFile(this.vm(name).file('/etc/resolv.conf'), `nameserver ${DNS}\nsearch ${search}\n`)
  }

  /** Ends all of it. */
  async stop(): Promise<void> {
    this.forwards.close()
    const machines = [...this.vms.values()].map(({ machine }) => machine)
    await Promise.all(
      [...machines, ...(this.pod ? [this.pod] : []), this.network].map(async one => one.end()),
    )
    await removeFolder(this.folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  private async bringUp(): Promise<void> {
    this.hash = await this.pki.caHash()
    // Main first: it gets the first address, and its node the first range of pods, as in K3s.
    const main = await this.addVm(MAIN)
    await this.pki.client('kube-proxy', '/CN=system:kube-proxy', this.server)
    await this.pki.client('flannel', '/CN=system:k3s-controller', this.server)
    const components = componentsFolder()
    const others = this.options.vms.filter(name => name !== MAIN)
    const furnished = Promise.all(others.map(async name => this.addVm(name)))
    furnished.catch(() => {}) // looked at below
    const { machine, address } = main
    const { nodeGraceSeconds = 12 } = this.options
    this.plane = await ControlPlane.start({
      machine,
      address,
      pki: this.pki,
      forwards: this.forwards,
      components,
      nodeGraceSeconds,
    })
    await furnished
    await allowJoining(this.admin)
    await this.furnishMain(main)
    await this.joinAs(MAIN, { nodeName: MAIN, token: await this.createToken() })
    await this.kubectl('label', 'node', MAIN, 'node-role.kubernetes.io/control-plane=true')
    this.pod = await startDns({
      main: machine,
      pki: this.pki,
      components,
      logs: path.join(this.folder, 'logs'),
      admin: this.admin,
    })
  }

  private async furnish(vm: LabVm): Promise<void> {
    await writeFile(vm.file('/etc/hostname'), `${vm.name}\n`)
    await writeFile(vm.file('/etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${vm.name}\n`)
    await vm.run('rm', ['-f', '/etc/resolv.conf']) // may be a link
    await writeFile(vm.file('/etc/resolv.conf'), 'nameserver 127.0.0.53\n')
    const conf = path.join(this.folder, 'net-conf.json')
    await writeFile(
      conf,
      JSON.stringify({ Network: '10.42.0.0/16', EnableIPv4: true, Backend: { Type: 'vxlan' } }),
    )
    const lab = {
      components: componentsFolder(),
      kubeProxy: this.pki.file('kube-proxy.kubeconfig'),
      flannel: this.pki.file('flannel.kubeconfig'),
      flannelConf: conf,
      heartbeatMs: (this.options.heartbeatSeconds ?? 2) * 1_000,
    }
    await mkdir(vm.file(path.dirname(K3S)), { recursive: true })
    await writeFile(vm.file(path.join(path.dirname(K3S), 'lab.json')), JSON.stringify(lab))
    const k3s = path.join(import.meta.dirname, 'k3s.ts')
    await writeFile(vm.file(K3S), `#!/bin/sh\nexec node ${k3s} "$@"\n`, { mode: 0o755 })
  }

  /** What a K3s server leaves on its machine. */
  private async furnishMain(main: LabVm): Promise<void> {
    const tls = '/var/lib/rancher/k3s/server/tls'
    await mkdir(main.file(tls), { recursive: true })
    await mkdir(main.file('/etc/rancher/k3s'), { recursive: true })
    await writeFile(main.file(`${tls}/server-ca.crt`), await this.pki.ca())
    const config = await this.pki.kubeconfig('admin', 'https://127.0.0.1:6443')
    await writeFile(main.file('/etc/rancher/k3s/k3s.yaml'), config, { mode: 0o600 })
    const kubelab = path.join(componentsFolder(), 'kubelab')
    const kubectl = `#!/bin/sh\nexport KUBECONFIG="\${KUBECONFIG:-/etc/rancher/k3s/k3s.yaml}"\nexec ${kubelab} kubectl "$@"\n`
    await writeFile(main.file('/usr/local/bin/kubectl'), kubectl, { mode: 0o755 })
  }
}

/** Brings a lab up: main with its control plane and DNS, and VMs that have not joined yet. About ten seconds. */
export async function startMeshLab(options: MeshLabOptions): Promise<MeshLab> {
  return MeshLab.start(options)
}
