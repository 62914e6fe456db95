/** A mesh lab as the runner's side of the product meets it. */
import { readFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import type { MainInfo } from '../../src/mesh-join.ts'
import { MAIN_INFO, MESH } from '../../src/mesh-names.ts'
import { apply, call } from './mesh-lab/api.ts'
import type { MeshLab } from './mesh-lab/lab.ts'

export const MAIN: MainInfo = {
  mesh: 'main',
  privateIp: '10.64.0.5',
  publicIp: null,
  port: MESH.apiPort,
  cloud: 'aws',
  region: 'us-east-1',
}

/** What main tells of itself; with it, an API server is that of a mesh. */
export async function furnishMesh(lab: MeshLab): Promise<void> {
  const namespace = `/api/v1/namespaces/${MESH.ownNamespace}`
  const metadata = { name: MAIN_INFO, namespace: MESH.ownNamespace }
  await apply(lab.admin, namespace, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: MESH.ownNamespace },
  })
  await apply(lab.admin, `${namespace}/configmaps/${MAIN_INFO}`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: { main: JSON.stringify(MAIN) },
  })
}

/** A VM's slice, as its agent writes it. */
export async function putSlice(
  lab: MeshLab,
  { service, ready, node = `${service}.0.aaaaa` }: { service: string; ready: boolean; node?: string },
): Promise<void> {
  const collection = `/apis/discovery.k8s.io/v1/namespaces/${MESH.namespace}/endpointslices`
  await apply(lab.admin, `${collection}/${node}`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: node, labels: { 'kubernetes.io/service-name': service, 'lmrun-vm': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8000, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.42.9.0'], nodeName: node, conditions: { ready } }],
  })
}

/** A Node without a machine. */
export async function putNode(
  lab: MeshLab,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  await call(lab.admin, 'POST', '/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
  })
}

export async function nodeNames(lab: MeshLab): Promise<readonly string[]> {
  const list = (await call(lab.admin, 'GET', '/api/v1/nodes')) as {
    items?: { metadata: { name: string } }[]
  }
  return (list.items ?? []).map(({ metadata }) => metadata.name).toSorted()
}

/** The administrator's kubeconfig, for another server or another user. */
export async function kubeconfigOf(
  lab: MeshLab,
  { server, token }: { readonly server?: string; readonly token?: string } = {},
): Promise<string> {
  const config = JSON.parse(await readFile(lab.adminKubeconfig, 'utf8'))
  if (server !== undefined) config.clusters[0].cluster.server = server
  if (token !== undefined) config.users[0].user = { token }
  return JSON.stringify(config, null, 2)
}

export interface Wire extends AsyncDisposable {
  /** A way to the API server that can be cut. */
  readonly server: string
  /** Connections that are open. */
  open(): number
  /** Connections that there were. */
  total(): number
  /** Breaks all that are open. */
  cut(): void
}

export async function wireTo(lab: MeshLab): Promise<Wire> {
  const port = Number(new URL(lab.admin.server).port)
  return wire(incoming => {
    const outgoing = connect(port, '127.0.0.1')
    incoming.pipe(outgoing).pipe(incoming)
    outgoing.on('error', () => incoming.destroy()).on('close', () => incoming.destroy())
    incoming.on('close', () => outgoing.destroy())
  })
}

/** An API server that hangs. */
export function silentServer(): Promise<Wire> {
  return wire(() => {})
}

async function wire(take: (incoming: Socket) => void): Promise<Wire> {
  const sockets = new Set<Socket>()
  let total = 0
  const server = createServer(incoming => {
    total += 1
    sockets.add(incoming)
    incoming.on('error', () => {}).on('close', () => sockets.delete(incoming))
    take(incoming)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { port: number }
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    server: `https://127.0.0.1:${address.port}`,
    open: () => sockets.size,
    total: () => total,
    cut,
    [Symbol.asyncDispose]: async () => {
      cut()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
