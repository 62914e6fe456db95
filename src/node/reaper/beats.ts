import type { V1ConfigMap } from '@kubernetes/client-node'
import type { Beat } from './judge.ts'

/**
 * When beats were seen to change, by this machine's own clock: nobody's clock is compared with another's, as in
 * Kubernetes' leader election.
 */
export interface BeatWatch {
  /** Beats as they are now, by Node name; `outage`: the API server did not answer for a while before. */
  heard(beats: ReadonlyMap<string, V1ConfigMap>, how: { readonly outage: boolean }): void
  of(node: string): Beat
  /** The beat itself, to be compared with what is there right before an end. */
  last(node: string): string | null
}

export function createBeatWatch(now: () => number, leaseMs: number): BeatWatch {
  const seen = new Map<string, { beat: string; at: number }>()
  return {
    heard: (beats, { outage }) => {
      for (const name of seen.keys()) if (!beats.has(name)) seen.delete(name)
      for (const [name, { data }] of beats) {
        const beat = data?.beat ?? ''
        // Who could not be heard was not silent: afterwards everybody has a whole lease.
        if (outage || seen.get(name)?.beat !== beat) seen.set(name, { beat, at: now() })
      }
    },
    of: node => {
      const beat = seen.get(node)
      if (!beat) return 'none'
      return now() - beat.at < leaseMs ? 'alive' : 'expired'
    },
    last: node => seen.get(node)?.beat ?? null,
  }
}
