import type { KubernetesObject, V1EndpointSlice, V1Node } from '@kubernetes/client-node'
import type { Clock } from '../../clock.ts'
import { explain, InputError } from '../../errors.ts'
import { type NodeName, readNodeName } from '../../mesh-names.ts'
import { kubeletOf, nodeAddress } from '../../mesh-nodes.ts'
import { connectKube, type KubeClient, KubeError } from '../kube/client.ts'
import { followAll, type Watching } from '../kube/follow.ts'
import { MANAGER } from '../kube/managers.ts'
import { only, PATH } from '../kube/paths.ts'
import { createReconciler } from '../kube/reconciler.ts'
import type { PublishOptions } from '../types.ts'
import { keepBeating } from './beat.ts'
import { watchHealth } from './health.ts'
import { isSettled, sliceOf } from './slice.ts'

export interface AgentOptions {
  /** Path of the kubelet's kubeconfig: its identity says which VM this is. */
  readonly kubeconfig: string
  /** `<VM name>.<rank>.<launch>` */
  readonly nodeName: string
  /** Without ports the agent only shows that the VM lives. */
  readonly publish: PublishOptions
  /** Of a VM of several nodes: `head` publishes rank 0 alone, `all` every rank that is healthy. */
  readonly ranks: 'head' | 'all'
  /** Ask /v1/models for the VM's name before the service counts as ready. */
  readonly models: boolean
  /** File with the server's API key; null: it has none, or a 401 to /v1/models is enough. */
  readonly apiKeyFile: string | null
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/**
 * Publishes what this VM serves, and keeps its readiness true, until the signal aborts; then takes it out of the mesh
 * and resolves. Survives lost connections, restarts of the API server, and what is deleted under it.
 * @throws LmrunError when its identity is not known any more: systemd starts it again, with the one then on disk
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const name = readNodeName(options.nodeName)
  if (!name) {
    const allowed = 'It is <VM name>.<rank>.<launch>, as in qwen-coder.0.x8d3a.'
    throw new InputError([{ where: 'node name', what: `${options.nodeName} is none of a VM`, allowed }])
  }
  const ended = new AbortController()
  const signal = AbortSignal.any([options.signal, ended.signal])
  try {
    const kube = await connectKube(options.kubeconfig, signal)
    await work({ ...options, signal }, name, kube)
  } catch (error) {
    if (!options.signal.aborted) throw error
    await leave(options)
  } finally {
    ended.abort()
  }
}

/** Rejects, sooner or later. */
async function work(options: AgentOptions, name: NodeName, kube: KubeClient): Promise<void> {
  const { publish, ranks, models, apiKeyFile, clock, signal, log, nodeName } = options
  const known: Known = { node: null, slice: null, healthy: false }
  const [first] = publish.ports
  const publishes = first !== undefined && (ranks === 'all' || name.rank === 0)
  const reconciler = createReconciler(() => publishNow(kube, { known, name, publish }), options)
  const change = (part: Partial<Known>) => {
    Object.assign(known, part)
    if (publishes) reconciler.poke()
  }
  const watching = { kube, clock, signal, log }
  const target = () => {
    const host = known.node && nodeAddress(known.node)
    const model = models ? name.vm : null
    return host && first ? { host, port: first.port, health: publish.health, model, apiKeyFile } : null
  }
  const told = (healthy: boolean) => {
    if (healthy !== known.healthy) change({ healthy })
  }
  await Promise.all([
    followOne<V1Node>(PATH.node(nodeName), watching, node => change({ node })),
    keepBeating({ kube, name, node: () => known.node, clock, signal, log }),
    ...(publishes
      ? [
          followOne<V1EndpointSlice>(PATH.slice(nodeName), watching, slice => change({ slice })),
          watchHealth({ target, clock, signal, log, told }),
          reconciler.run(),
        ]
      : []),
  ])
}

interface Known {
  node: V1Node | null
  slice: V1EndpointSlice | null
  healthy: boolean
}

interface Publishing {
  readonly known: Known
  readonly name: NodeName
  readonly publish: PublishOptions
}

async function publishNow(kube: KubeClient, { known, name, publish }: Publishing): Promise<void> {
  const { node, healthy } = known
  // Main takes out whose kubelet says that it is not ready: no reason to quarrel with it.
  const ready = node !== null && healthy && kubeletOf(node) !== 'notReady'
  const wanted = node && sliceOf({ node, name, publish, ready })
  if (!wanted || isSettled(known.slice, wanted)) return
  known.slice = await kube.apply(PATH.slice(wanted.metadata?.name), wanted, MANAGER.agent)
}

/** Tells one object whenever it changes; null when it is not there. */
function followOne<T extends KubernetesObject>(
  path: string,
  watching: Watching,
  told: (object: T | null) => void,
): Promise<void> {
  return followAll<T>(only(path), watching, objects => told(objects.values().next().value ?? null))
}

/** Milliseconds: systemd gives it more, and without it the slice is called unready with its lease. */
const LEAVE_MS = 3000

async function leave({ kubeconfig, nodeName, log }: AgentOptions): Promise<void> {
  try {
    const kube = await connectKube(kubeconfig, AbortSignal.timeout(LEAVE_MS))
    await kube.remove(PATH.slice(nodeName))
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return
    log(`left without taking ${nodeName} out of the mesh: ${explain(error)}`)
  }
}
