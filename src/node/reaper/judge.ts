import type { V1EndpointSlice, V1Node } from '@kubernetes/client-node'
import { kubeletOf } from '../../mesh-nodes.ts'

/** What the agent's beat says: `none` when there never was one. */
export type Beat = 'alive' | 'expired' | 'none'

/**
 * - `well`: its slices are its own business.
 * - `out`: not to be used now: its agent is silent, or its kubelet says that the Node is not ready.
 * - `dead`: nobody on that VM speaks any more. Deleted after a grace.
 */
export type Verdict = 'well' | 'out' | 'dead'

/**
 * A Node that anybody on it still speaks for is kept: an agent that crashed is no lost VM. And an agent that beats makes
 * up for a silent kubelet: after an outage of the API server the control plane calls Nodes silent that it could not hear.
 */
export function judge(node: V1Node, beat: Beat): Verdict {
  const kubelet = kubeletOf(node)
  if (kubelet === 'notReady') return 'out'
  if (beat === 'alive') return 'well'
  if (kubelet === 'silent') return 'dead'
  if (beat === 'none') return 'well'
  return kubelet === 'ready' ? 'out' : 'dead'
}

export function hasReadyEndpoint({ endpoints }: V1EndpointSlice): boolean {
  // Kubernetes takes unknown for ready.
  return (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false)
}
