import type { V1ConfigMap, V1EndpointSlice, V1Node, V1Service } from '@kubernetes/client-node'
import type { Clock } from '../../clock.ts'
import { explain, LmrunError } from '../../errors.ts'
import { BINDINGS, readNodeName } from '../../mesh-names.ts'
import { connectKube, type KubeClient } from '../kube/client.ts'
import { followAll } from '../kube/follow.ts'
import { PATH } from '../kube/paths.ts'
import { createReconciler, isFinal } from '../kube/reconciler.ts'
import { act } from './act.ts'
import { type BeatWatch, createBeatWatch } from './beats.ts'
import { type Action, decide, NOTHING, type World } from './decide.ts'

export interface ReaperOptions {
  /** Path of an admin's kubeconfig, on main. */
  readonly kubeconfig: string
  /** After how long without a beat a VM is out; agents beat every three seconds. */
  readonly leaseSeconds: number
  /** For how long a VM of which nothing is heard is waited for before its Node is deleted. */
  readonly graceSeconds: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

export const LEASE_SECONDS = 10
export const GRACE_SECONDS = 60

/**
 * Main's part: binds VM names to launches, makes their Services, and retires who is not heard of. Runs until the signal
 * aborts, and resolves then; survives restarts of the API server.
 * @throws LmrunError when its identity is not known any more
 */
export async function runReaper(options: ReaperOptions): Promise<void> {
  const ended = new AbortController()
  const signal = AbortSignal.any([options.signal, ended.signal])
  try {
    const kube = await connectKube(options.kubeconfig, signal)
    await work({ ...options, signal }, kube)
  } catch (error) {
    if (!options.signal.aborted) throw error
  } finally {
    ended.abort()
  }
}

/** How often time alone may change a verdict. */
const TICK_MS = 500

async function work(options: ReaperOptions, kube: KubeClient): Promise<void> {
  const { clock, signal, log, leaseSeconds, graceSeconds } = options
  const beats = createBeatWatch(() => clock.now(), leaseSeconds * 1000)
  const seen: Seen = { nodes: null, services: null, slices: null, own: null }
  let memory = NOTHING
  const pass = async () => {
    const world = worldOf(seen, beats, clock.now())
    if (!world) return
    const decided = decide(world, memory, graceSeconds * 1000)
    memory = decided.memory
    await actAll(kube, decided.actions, beats, log)
  }
  const reconciler = createReconciler(pass, options)
  const see = <K extends keyof Seen>(key: K, objects: Seen[K]) => {
    seen[key] = objects
    reconciler.poke()
  }
  const watching = { kube, clock, signal, log }
  using _ticking = clock.every(TICK_MS, () => reconciler.poke())
  await Promise.all([
    reconciler.run(),
    followAll<V1Node>(PATH.node(), watching, nodes => see('nodes', nodes)),
    followAll<V1Service>(PATH.service(), watching, services => see('services', services)),
    followAll<V1EndpointSlice>(PATH.slice(), watching, slices => see('slices', slices)),
    followAll<V1ConfigMap>(PATH.own(), watching, (own, how) => {
      beats.heard(beatsIn(own), how)
      // A beat changes nothing but what the next tick sees.
      if (own.get(BINDINGS) !== seen.own?.get(BINDINGS) || seen.own === null) see('own', new Map(own))
    }),
  ])
}

/** Null until it has been listed for the first time: nothing is decided on half a world. */
interface Seen {
  nodes: ReadonlyMap<string, V1Node> | null
  services: ReadonlyMap<string, V1Service> | null
  slices: ReadonlyMap<string, V1EndpointSlice> | null
  own: ReadonlyMap<string, V1ConfigMap> | null
}

function worldOf({ nodes, services, slices, own }: Seen, beats: BeatWatch, now: number): World | null {
  if (!nodes || !services || !slices || !own) return null
  return { nodes, services, slices, bindings: own.get(BINDINGS), beatOf: node => beats.of(node), now }
}

function beatsIn(own: ReadonlyMap<string, V1ConfigMap>): Map<string, V1ConfigMap> {
  return new Map([...own].filter(([name]) => readNodeName(name) !== null))
}

/** Side by side, for many may join at once; one that fails keeps no other from being done. */
async function actAll(
  kube: KubeClient,
  actions: readonly Action[],
  beats: BeatWatch,
  log: (line: string) => void,
): Promise<void> {
  const done = await Promise.allSettled(
    actions.map(async action => {
      const line = await act(kube, action, beats)
      if (line !== null) log(line)
    }),
  )
  const failures = done.flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []))
  const final = failures.find(isFinal)
  if (final !== undefined) throw final
  if (failures.length > 0) throw new LmrunError(failures.map(explain).join('\n'))
}
