import type { CoreV1Api, V1Node } from '@kubernetes/client-node'
import { explain } from '../errors.ts'
import { LABEL } from '../labels.ts'
import type { Failures, Found, SweepSource } from './found.ts'

const PAGE = 500

/**
 * Mesh Nodes that outlived their VMs. One that is ready is never ended: it is read again right before, and deleted
 * only as it was read, so that a kubelet that comes back in between wins.
 */
export function createNodeSource(kubeconfig: string): SweepSource {
  const connect = async () => {
    const sdk = await import('../kube-sdk.ts')
    const config = new sdk.KubeConfig()
    config.loadFromString(kubeconfig)
    const isGone = (error: unknown) => error instanceof sdk.ApiException && error.code === 404
    return { api: config.makeApiClient(sdk.CoreV1Api), isGone }
  }
  return {
    name: 'kubernetes',
    find: async signal => {
      const { api } = await connect()
      return { found: (await listNodes(api, signal)).flatMap(foundOf), problems: [] }
    },
    end: async (found, signal) => {
      const { api, isGone } = await connect()
      const failures = new Map<string, string>()
      for (const { id } of found) {
        signal.throwIfAborted()
        try {
          const refusal = await deleteNode(api, id)
          if (refusal !== null) failures.set(id, refusal)
        } catch (error) {
          if (!isGone(error)) failures.set(id, explain(error))
        }
      }
      return failures
    },
    remaining: async (found, signal): Promise<Failures> => {
      const { api } = await connect()
      const there = new Set((await listNodes(api, signal)).map(node => node.metadata?.name))
      const left = found.filter(({ id }) => there.has(id))
      return new Map(left.map(({ id }) => [id, 'the Node is still there']))
    },
  }
}

async function listNodes(api: CoreV1Api, signal: AbortSignal): Promise<V1Node[]> {
  const nodes: V1Node[] = []
  let next: string | undefined
  do {
    signal.throwIfAborted()
    const page = await api.listNode({
      labelSelector: LABEL.run,
      limit: PAGE,
      timeoutSeconds: 60,
      ...(next ? { _continue: next } : {}),
    })
    nodes.push(...page.items)
    next = page.metadata?._continue
  } while (next)
  return nodes
}

/** Why it was not deleted, or null. */
async function deleteNode(api: CoreV1Api, name: string): Promise<string | null> {
  const node = await api.readNode({ name })
  const { uid, resourceVersion } = node.metadata ?? {}
  if (isReady(node)) return 'the Node has become ready'
  if (!uid || !resourceVersion) return 'the Node has no version to delete'
  await api.deleteNode({ name, body: { preconditions: { uid, resourceVersion } } })
  return null
}

function foundOf(node: V1Node): Found[] {
  const name = node.metadata?.name
  if (!name) return []
  return [
    {
      source: 'kubernetes',
      kind: 'node',
      id: name,
      name,
      place: '',
      labels: node.metadata?.labels ?? {},
      createdAt: node.metadata?.creationTimestamp?.getTime() ?? null,
      state: isReady(node) ? 'up' : 'idle',
    },
  ]
}

/** A Node that says nothing of itself may be on its way in. */
function isReady({ status }: V1Node): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined || ready.status === 'True'
}
