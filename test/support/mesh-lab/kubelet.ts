/** What a kubelet does for a node without pods: its registration and its heartbeats, with the node's own identity. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Access, ApiError, call, type KubeObject, patch } from './api.ts'
import { type Join, patiently } from './bootstrap.ts'

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
const LEASE_SECONDS = 40
const STARTED = new Date().toISOString()
const PASSWORD_HASH = 'mesh-lab/node-password-hash'

/** Resolves with the node's podCIDR. @throws Error when another machine has a Node of this name */
export async function register(access: Access, join: Join, password: string): Promise<string> {
  const hash = createHash('sha256').update(password).digest('hex')
  const node = await patiently(() => createNode(access, join, hash))
  if (node.metadata?.annotations?.[PASSWORD_HASH] !== hash) {
    throw new Error(`Node password rejected, duplicate hostname: ${join.nodeName}`)
  }
  for (;;) {
    const { spec } = await patiently(() => call(access, 'GET', nodePath(join)))
    if (spec?.podCIDR) return spec.podCIDR
    await sleep(50)
  }
}

async function createNode(access: Access, join: Join, hash: string): Promise<KubeObject> {
  const labels = {
    'kubernetes.io/hostname': join.nodeName,
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': 'k3s',
    ...join.labels,
  }
  const metadata = { name: join.nodeName, labels, annotations: { [PASSWORD_HASH]: hash } }
  try {
    return await call(access, 'POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata })
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error
    return call(access, 'GET', nodePath(join))
  }
}

/** Ready or not, from here, now. @throws ApiError 404 when the Node was deleted: a kubelet does not bring it back either */
export async function heartbeat(access: Access, join: Join, ready: 'True' | 'False'): Promise<void> {
  const now = new Date().toISOString()
  const addresses = [
    { type: 'InternalIP', address: join.nodeIp },
    ...(join.externalIp ? [{ type: 'ExternalIP', address: join.externalIp }] : []),
    { type: 'Hostname', address: join.nodeName },
  ]
  const [reason, message] =
    ready === 'True'
      ? ['KubeletReady', 'kubelet is posting ready status']
      : ['KubeletNotReady', 'container runtime network not ready: cni plugin not initialized']
  const condition = {
    type: 'Ready',
    status: ready,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: STARTED,
  }
  const status = { addresses, conditions: [condition] }
  const node = await patch(access, `${nodePath(join)}/status`, { status }, 'strategic-merge')
  await renewLease(access, join, node)
}

async function renewLease(access: Access, { nodeName }: Join, node: KubeObject): Promise<void> {
  const renewTime = new Date().toISOString().replace('Z', '000Z') // microseconds
  const spec = { holderIdentity: nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime }
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata?.uid }]
  try {
    await patch(access, `${LEASES}/${nodeName}`, { spec })
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: nodeName, ownerReferences },
      spec,
    }
    await call(access, 'POST', LEASES, lease)
  }
}

function nodePath({ nodeName }: Join): string {
  return `/api/v1/nodes/${nodeName}`
}
