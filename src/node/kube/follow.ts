import type { KubernetesListObject, KubernetesObject } from '@kubernetes/client-node'
import type { Clock } from '../../clock.ts'
import { explain } from '../../errors.ts'
import { follow } from '../../mesh-kube.ts'
import type { KubeClient } from './client.ts'
import { isFinal, sayOnce } from './reconciler.ts'

export interface Watching {
  readonly kube: KubeClient
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/**
 * Tells all objects of a collection, by name, whenever one changes, until the signal aborts; `outage`: the API server
 * did not answer for a while before. Rejects with the signal's reason, or when the identity is not known any more.
 */
export async function followAll<T extends KubernetesObject>(
  path: string,
  { kube, clock, signal, log }: Watching,
  told: (objects: ReadonlyMap<string, T>, how: { readonly outage: boolean }) => void,
): Promise<void> {
  const say = sayOnce(log)
  let outage = false
  const list = async () => {
    try {
      const listed = await kube.get<KubernetesListObject<T>>(path)
      say(null)
      return listed
    } catch (error) {
      outage = true
      if (!signal.aborted) say(explain(error))
      throw error
    }
  }
  const tell = (objects: ReadonlyMap<string, T>) => {
    told(objects, { outage })
    outage = false
    return false
  }
  await follow({ path, list }, tell, { watcher: kube, clock, signal, isFinal })
}
