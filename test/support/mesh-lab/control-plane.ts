/** etcd, the API server and the controller manager in main, as K3s's server has them. */
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Access, call } from './api.ts'
import type { Forwards } from './forwards.ts'
import type { Machine, MachineProcess, RunOptions } from './machine.ts'
import type { Pki } from './pki.ts'

const ETCD = 2379
const DEADLINE_MS = 120_000
/** Those of K3s that have work in a mesh without pods. */
const CONTROLLERS = [
  'bootstrap-signer-controller',
  'token-cleaner-controller',
  'certificatesigningrequest-approving-controller',
  'certificatesigningrequest-signing-controller',
  'clusterrole-aggregation-controller',
  'endpointslice-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'node-ipam-controller',
  'node-lifecycle-controller',
  'root-ca-certificate-publisher-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'validatingadmissionpolicy-status-controller',
]

export interface ControlPlaneOptions {
  readonly machine: Machine
  readonly address: string
  readonly pki: Pki
  readonly forwards: Forwards
  /** Folder of the built components. */
  readonly components: string
  /** Seconds without a heartbeat until a Node is NotReady. */
  readonly nodeGraceSeconds: number
}

export class ControlPlane {
  private readonly options: ControlPlaneOptions
  private readonly apiServerArgs: readonly string[]
  private etcdPort = 0
  private apiServer: MachineProcess
  /** Of the administrator, from the test's side. */
  readonly admin: Access

  private constructor(options: ControlPlaneOptions, admin: Access, apiServerArgs: readonly string[]) {
    this.options = options
    this.admin = admin
    this.apiServerArgs = apiServerArgs
    this.apiServer = this.startApiServer()
  }

  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { machine, pki, address, forwards } = options
    await pki.server('apiserver', alternatives(address))
    const apiPort = await forwards.open(machine, 6443)
    const inside = 'https://127.0.0.1:6443'
    const server = `https://127.0.0.1:${apiPort}`
    await pki.client('controller-manager', '/CN=system:kube-controller-manager', inside)
    await pki.client('admin', '/O=system:masters/CN=system:admin', server)
    const [ca, cert, key] = await Promise.all(
      ['ca.crt', 'admin.crt', 'admin.key'].map(async file => readFile(pki.file(file))),
    )
    await startEtcd(machine)
    const plane = new ControlPlane(
      options,
      { server, ca: ca ?? '', ...(cert && key ? { cert, key } : {}) },
      apiServerFlags(pki, address),
    )
    plane.etcdPort = await forwards.open(machine, ETCD)
    plane.startControllerManager()
    await plane.ready()
    await plane.namespaces()
    return plane
  }

  /** A crash, and a start. Resolves when it serves again. */
  async restartApiServer(): Promise<void> {
    await this.apiServer.end()
    this.apiServer = this.startApiServer()
    await this.ready()
  }

  /**
   * Makes every resourceVersion that was seen before too old (410): etcd forgets its history, and so does the API
   * server, whose watch cache would serve some of it else, by a restart.
   */
  async compactHistory(): Promise<void> {
    // An event between what was seen and what stays.
    const mark = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'compacted-' } }
    await call(this.admin, 'POST', '/api/v1/namespaces/kube-system/configmaps', mark)
    const { header } = await this.etcd('range', { key: Buffer.from('/').toString('base64') })
    await this.etcd('compaction', { revision: header?.revision, physical: true })
    await this.restartApiServer()
  }

  private startApiServer(): MachineProcess {
    return this.spawn('kube-apiserver', this.apiServerArgs)
  }

  private startControllerManager(): void {
    const { pki, nodeGraceSeconds } = this.options
    this.spawn('kube-controller-manager', [
      `--kubeconfig=${pki.file('controller-manager.kubeconfig')}`,
      '--leader-elect=false',
      '--use-service-account-credentials=true',
      `--root-ca-file=${pki.file('ca.crt')}`,
      `--service-account-private-key-file=${pki.file('sa.key')}`,
      `--cluster-signing-cert-file=${pki.file('ca.crt')}`,
      `--cluster-signing-key-file=${pki.file('ca.key')}`,
      '--allocate-node-cidrs',
      '--cluster-cidr=10.42.0.0/16',
      '--service-cluster-ip-range=10.43.0.0/16',
      `--controllers=${CONTROLLERS.join(',')}`,
      '--node-monitor-period=1s',
      `--node-monitor-grace-period=${nodeGraceSeconds}s`,
      '--bind-address=127.0.0.1',
      '--profiling=false',
    ])
  }

  private spawn(component: string, args: readonly string[], options: RunOptions = {}): MachineProcess {
    const binary = path.join(this.options.components, 'kubelab')
    // exec -a would name it; its first argument does as well.
    return this.options.machine.spawn(binary, [component, ...args], options)
  }

  private async ready(): Promise<void> {
    const over = AbortSignal.timeout(DEADLINE_MS)
    let ended: number | null | undefined
    void this.apiServer.exited.then(code => {
      ended = code
    })
    for (;;) {
      const seen = await call(this.admin, 'GET', '/readyz').then(
        () => undefined,
        (error: Error) => error.message,
      )
      if (seen === undefined) return
      if (ended !== undefined || over.aborted) {
        throw new Error(`the API server is not ready: ${seen}\n${this.apiServer.output().slice(-2_000)}`)
      }
      await sleep(100)
    }
  }

  /** The API server makes them after it is ready. */
  private async namespaces(): Promise<void> {
    for (const name of ['default', 'kube-system', 'kube-node-lease']) {
      const there = () =>
        call(this.admin, 'GET', `/api/v1/namespaces/${name}`).then(
          () => true,
          () => false,
        )
      while (!(await there())) await sleep(50)
    }
  }

  private async etcd(
    method: 'range' | 'compaction',
    body: object,
  ): Promise<{ header?: { revision?: string } }> {
    const url = `http://127.0.0.1:${this.etcdPort}/v3/kv/${method}`
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`etcd ${method}: ${response.status} ${await response.text()}`)
    return (await response.json()) as { header?: { revision?: string } }
  }
}

function alternatives(address: string): readonly string[] {
  const names = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ]
  return [
    ...[...names, 'localhost'].map(name => `DNS:${name}`),
    ...['127.0.0.1', '10.43.0.1', address].map(ip => `IP:${ip}`),
  ]
}

function apiServerFlags(pki: Pki, address: string): readonly string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${ETCD}`,
    `--advertise-address=${address}`,
    '--bind-address=0.0.0.0',
    '--secure-port=6443',
    `--tls-cert-file=${pki.file('apiserver.crt')}`,
    `--tls-private-key-file=${pki.file('apiserver.key')}`,
    `--client-ca-file=${pki.file('ca.crt')}`,
    `--service-account-key-file=${pki.file('sa.pub')}`,
    `--service-account-signing-key-file=${pki.file('sa.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    '--service-cluster-ip-range=10.43.0.0/16',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--enable-bootstrap-token-auth',
    '--anonymous-auth=false',
    '--profiling=false',
  ]
}

async function startEtcd(machine: Machine): Promise<void> {
  const folder = '/var/lib/rancher/k3s/server/db/etcd'
  await mkdir(machine.file(folder), { recursive: true, mode: 0o700 })
  const url = `http://127.0.0.1:${ETCD}`
  const etcd = machine.spawn('etcd', [
    '--data-dir',
    folder,
    '--unsafe-no-fsync',
    '--listen-client-urls',
    url,
    '--advertise-client-urls',
    url,
    '--listen-peer-urls',
    'http://127.0.0.1:2380',
  ])
  await etcd.saw(/ready to serve client requests|serving (insecure )?client requests/)
}
