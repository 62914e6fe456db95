import type { V1ConfigMap, V1Node } from '@kubernetes/client-node'
import type { Clock } from '../../clock.ts'
import { explain } from '../../errors.ts'
import { MESH, MESH_LABEL, type NodeName } from '../../mesh-names.ts'
import type { KubeClient } from '../kube/client.ts'
import { MANAGER } from '../kube/managers.ts'
import { PATH } from '../kube/paths.ts'
import { isFinal, sayOnce } from '../kube/reconciler.ts'

/**
 * An agent's lease, which main's reaper ends when it does not change for a while. A ConfigMap, for Kubernetes lets a
 * kubelet write no Lease but its own in kube-node-lease (NodeRestriction); deleted with its Node.
 */
export function beatOf(node: V1Node, { vm }: NodeName, beat: string): V1ConfigMap | null {
  const { name, uid } = node.metadata ?? {}
  if (!name || !uid) return null
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }]
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: MESH.ownNamespace, labels: { [MESH_LABEL.vm]: vm }, ownerReferences },
    data: { beat },
  }
}

export interface BeatOptions {
  readonly kube: KubeClient
  readonly name: NodeName
  /** Null while its Node is not there. */
  readonly node: () => V1Node | null
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** Three times in a lease of ten seconds; what failed is tried again sooner. */
const EVERY_MS = 3000
const AGAIN_MS = 500

/** Rejects with the signal's reason, or when the identity is not known any more. */
export async function keepBeating(options: BeatOptions): Promise<void> {
  const { kube, name, node: nodeNow, clock, signal, log } = options
  const say = sayOnce(log)
  for (;;) {
    const node = nodeNow()
    const beat = node && beatOf(node, name, new Date(clock.now()).toISOString())
    let pause = beat ? EVERY_MS : AGAIN_MS
    try {
      if (beat) await kube.apply(PATH.own(beat.metadata?.name), beat, MANAGER.agent)
      say(null)
    } catch (error) {
      signal.throwIfAborted()
      if (isFinal(error)) throw error
      say(`no beat: ${explain(error)}`)
      pause = AGAIN_MS
    }
    await clock.sleep(pause, signal)
  }
}
