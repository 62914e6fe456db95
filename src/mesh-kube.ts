import type { KubernetesListObject, KubernetesObject } from '@kubernetes/client-node'
import type { Clock } from './clock.ts'
import { isAbort } from './errors.ts'
import { unlessAborted } from './waiting.ts'

/** What both sides of the mesh need of the Kubernetes client. */
export interface Followed<T extends KubernetesObject> {
  /** Path of the collection, for the watch: `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices`. */
  readonly path: string
  readonly labelSelector?: string
  readonly list: () => Promise<KubernetesListObject<T>>
}

/** client-node's Watch, as far as it is used here. It gives up by itself after 30 s without a byte. */
export interface Watcher {
  watch(
    path: string,
    query: Record<string, string | number | boolean | undefined>,
    on: (phase: string, object: unknown) => void,
    done: (error: unknown) => void,
  ): Promise<AbortController>
}

export interface FollowOptions {
  readonly watcher: Watcher
  readonly clock: Clock
  readonly signal: AbortSignal
  /** An error after which there is no point in asking again. */
  readonly isFinal: (error: unknown) => boolean
}

/** Milliseconds between two tries, doubling; a little by chance, so that VMs do not come back all at once. */
const FIRST_PAUSE_MS = 50
const LAST_PAUSE_MS = 2000

/**
 * Tells all objects of a collection, by name, whenever one changes, until `told` returns true. Survives a lost
 * connection, a restart of the API server and a history that was compacted (410): it lists anew and goes on from there.
 * @throws what `isFinal` says is final, or the signal's reason
 */
export async function follow<T extends KubernetesObject>(
  followed: Followed<T>,
  told: (objects: ReadonlyMap<string, T>) => boolean | Promise<boolean>,
  options: FollowOptions,
): Promise<void> {
  const { clock, signal, isFinal } = options
  let pause = FIRST_PAUSE_MS
  for (;;) {
    signal.throwIfAborted()
    try {
      const { items, metadata } = await unlessAborted(followed.list(), signal)
      pause = FIRST_PAUSE_MS
      const objects = new Map(items.map(item => [item.metadata?.name ?? '', item]))
      if (await told(objects)) return
      const version = metadata?.resourceVersion ?? '0'
      if (await watchOnce(followed, { objects, told, version }, options)) return
    } catch (error) {
      signal.throwIfAborted()
      if (isFinal(error)) throw error
    }
    await clock.sleep(pause * (0.75 + Math.random() / 2), signal)
    pause = Math.min(pause * 2, LAST_PAUSE_MS)
  }
}

interface Known<T> {
  readonly objects: Map<string, T>
  readonly told: (objects: ReadonlyMap<string, T>) => boolean | Promise<boolean>
  readonly version: string
}

/** @returns true when `told` has heard enough; false when the connection ended, in whatever way */
function watchOnce<T extends KubernetesObject>(
  { path, labelSelector }: Followed<T>,
  { objects, told, version }: Known<T>,
  { watcher, signal }: FollowOptions,
): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const query = { labelSelector, resourceVersion: version, allowWatchBookmarks: true }
  // One event after the other, though `told` may take its time.
  let last = Promise.resolve()
  const on = (phase: string, object: unknown) => {
    if (phase === 'ERROR') return resolve(false)
    if (phase === 'BOOKMARK') return
    const item = object as T
    const name = item.metadata?.name ?? ''
    last = last
      .then(async () => {
        if (phase === 'DELETED') objects.delete(name)
        else objects.set(name, item)
        if (await told(objects)) resolve(true)
      })
      .catch(reject)
  }
  const done = () => void last.then(() => resolve(false))
  const started = watcher.watch(path, query, on, done)
  started.catch(reject)
  return unlessAborted(promise, signal).finally(() => {
    // Nobody waits for an API server that does not even begin to answer.
    started.then(
      controller => controller.abort(),
      () => {},
    )
  })
}

/** Credentials that are refused stay refused; an abort is ours. */
export function isRefusal(error: unknown): boolean {
  if (isAbort(error)) return false
  const { code } = error as { code?: unknown }
  return code === 401 || code === 403
}
