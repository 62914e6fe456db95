import { GRACE_MS } from '../../src/sweep/decide.ts'
import { LEASE_MINUTES, type Life, type Orphan, SWEEP_MINUTES } from './life.ts'

const MINUTE = 60_000
/** The API server may still be asked to move a lease on when its run dies, or be arming one; and the skylet looks once a minute. */
const IN_FLIGHT_MS = 3 * MINUTE
/** Post: until it starts, 4 minutes, and the last look. */
const POST_MS = 4.5 * MINUTE

/** Until when a VM may live, at the latest, by the ring that must catch it. */
export function boundOf({ overAt, postAt, postCould }: Life, protection: Orphan['protection']): number {
  if (postAt !== null && postCould) return postAt + POST_MS
  // The sweeper knows that a run is over when its job is: post, when there is one, comes first.
  const jobOver = postAt === null ? overAt : postAt + 5 * MINUTE
  const swept = jobOver + GRACE_MS + (SWEEP_MINUTES + 1) * MINUTE
  if (protection === 'none') return swept
  return Math.max(overAt + LEASE_MINUTES * MINUTE + IN_FLIGHT_MS, protection === 'shutdown' ? swept : 0)
}

/** What is wrong with how a life went: nothing, when every VM ended in time and no other run's was touched. */
export function violations(life: Life): string[] {
  const wrong: string[] = []
  for (const entry of life.entries) {
    const protection = life.orphans.find(orphan => orphan.entry === entry)?.protection ?? 'none'
    const bound = boundOf(life, protection)
    if (entry.billedTo === null) wrong.push(`${entry.name} is alive`)
    else if (entry.billedTo > bound) {
      const late = Math.round((entry.billedTo - bound) / 1000)
      wrong.push(`${entry.name} (${protection}) was ended by ${entry.endedBy} ${late} s after its bound`)
    }
  }
  if (life.other.billedTo !== null) wrong.push(`a VM of another run was ended by ${life.other.endedBy}`)
  return wrong
}
