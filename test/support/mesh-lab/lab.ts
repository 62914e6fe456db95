/**
 * A mesh on this one machine: real etcd, kube-apiserver, kube-controller-manager, kube-proxy, flannel and CoreDNS, in
 * VMs that are kernel namespaces. Needs Linux, root and what build.ts prepares. Labs stand side by side, and nothing of
 * one is left when its test's process ends, however that ends.
 */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Access } from './api.ts'
import { componentsFolder } from './build.ts'
import { ControlPlane } from './control-plane.ts'
import { DNS, startDns } from './dns.ts'
import { labFolder, removeFolder, sweepFolders } from './folders.ts'
import { Forwards } from './forwards.ts'
import { allowJoining, createToken } from './joining.ts'
import { Machine } from './machine.ts'
import { Network } from './network.ts'
import { type JoinedNode, type JoinOptions, joinAs } from './node.ts'
import { Pki } from './pki.ts'
import { type Contents, createVm, furnishMain, type LabVm } from './vm.ts'

export { type JoinedNode, type JoinOptions, joined } from './node.ts'
export { K3S, type LabVm } from './vm.ts'

const MAIN = 'main'
/** WireGuard is not in every kernel; VXLAN goes through its port, which the product's firewall opens. */
const FLANNEL = {
  Network: '10.42.0.0/16',
  EnableIPv4: true,
  Backend: { Type: 'vxlan', Port: 51_820 },
}

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

export class MeshLab implements AsyncDisposable {
  readonly folder: string
  private readonly pki: Pki
  private readonly network: Network
  private readonly forwards: Forwards
  private readonly options: MeshLabOptions
  private readonly vms = new Map<string, LabVm>()
  /** Also those that are not VMs, or not yet. */
  private readonly machines = new Set<Machine>()
  private plane: ControlPlane | undefined
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
    if (!existsSync(componentsFolder())) throw new Error('no components: node test/support/mesh-lab/build.ts')
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
    const machine = await this.startMachine(name)
    const mtu = this.options.mtu?.[name]
    const address = await this.network.plugIn(machine, mtu === undefined ? {} : { mtu })
    const vm = await createVm(machine, address, this.contents, this.forwards)
    this.vms.set(name, vm)
    return vm
  }

  /** The VM vanishes with all that runs on it; what others know of it stays. */
  async vanish(name: string): Promise<void> {
    const { machine } = this.vm(name)
    await machine.end()
    this.machines.delete(machine)
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
  async joinAs(name: string, options: JoinOptions): Promise<JoinedNode> {
    return joinAs(this.vm(name), { server: this.server, ...options })
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
    await Promise.all([...this.machines, this.network].map(async one => one.end()))
    await removeFolder(this.folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  private async bringUp(): Promise<void> {
    this.hash = await this.pki.caHash()
    await writeFile(this.contents.flannelConf, JSON.stringify(FLANNEL))
    // Main first: it gets the first address, and its node the first range of pods, as in K3s.
    const main = await this.addVm(MAIN)
    await this.pki.client('kube-proxy', '/CN=system:kube-proxy', this.server)
    await this.pki.client('flannel', '/CN=system:k3s-controller', this.server)
    const others = this.options.vms.filter(name => name !== MAIN)
    await Promise.all([this.startMain(main), ...others.map(async name => this.addVm(name))])
  }

  private async startMain(main: LabVm): Promise<void> {
    const { pki, forwards, contents } = this
    const { components } = contents
    const { machine, address } = main
    const { nodeGraceSeconds = 12 } = this.options
    this.plane = await ControlPlane.start({ machine, address, pki, forwards, components, nodeGraceSeconds })
    await allowJoining(this.admin)
    await furnishMain(main, contents)
    await this.joinAs(MAIN, { nodeName: MAIN, token: await this.createToken() })
    await this.kubectl('label', 'node', MAIN, 'node-role.kubernetes.io/control-plane=true')
    await startDns({
      main: machine,
      pod: await this.startMachine('coredns'),
      pki,
      components,
      admin: this.admin,
    })
  }

  private async startMachine(name: string): Promise<Machine> {
    const machine = await Machine.start(name, path.join(this.folder, 'logs'))
    this.machines.add(machine)
    return machine
  }

  private get contents(): Contents {
    const { heartbeatSeconds = 2 } = this.options
    const flannelConf = path.join(this.folder, 'net-conf.json')
    return {
      pki: this.pki,
      components: componentsFolder(),
      flannelConf,
      heartbeatMs: heartbeatSeconds * 1_000,
    }
  }
}

/** Brings a lab up: main with its control plane and DNS, and VMs that have not joined yet. About ten seconds. */
export async function startMeshLab(options: MeshLabOptions): Promise<MeshLab> {
  return MeshLab.start(options)
}
