import type { V1EndpointSlice, V1Node } from '@kubernetes/client-node'
import { kubeletReady } from '../kube/nodes.ts'

/** What the agent's beat says: `none` when there never was one. */
export type Beat = 'alive' | 'expired' | 'none'

/**
 * - `well`: its slices are its own business.
 * - `out`: not to be used now. Its agent or its kubelet is silent.
 * - `dead`: nobody on that VM speaks any more. Deleted after a grace.
 */
export type Verdict = 'well' | 'out' | 'dead'

/** A Node that anybody on it still speaks for is healthy enough to be kept: an agent that crashed is no lost VM. */
export function judge(node: V1Node, beat: Beat): Verdict {
  const kubelet = kubeletReady(node)
  if (kubelet === true) return beat === 'expired' ? 'out' : 'well'
  if (kubelet === null) return beat === 'expired' ? 'dead' : 'well'
  return beat === 'alive' ? 'out' : 'dead'
}

export function hasReadyEndpoint({ endpoints }: V1EndpointSlice): boolean {
  // Kubernetes takes unknown for ready.
  return (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false)
}
