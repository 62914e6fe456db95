import type { Problem } from '../errors.ts'
import type { Question } from './types.ts'

/** The releases that LiveBench knows, oldest first. Source: LiveBench's LIVE_BENCH_RELEASES. */
export const RELEASES = [
  '2024-06-24',
  '2024-07-26',
  '2024-08-31',
  '2024-11-25',
  '2025-04-02',
  '2025-04-25',
  '2025-05-30',
  '2025-11-25',
  '2025-12-23',
  '2026-01-08',
] as const

const known: ReadonlySet<string> = new Set(RELEASES)
const newest = RELEASES.at(-1) ?? ''

/** The dates of a question; either may be absent. */
export type Dates = Pick<Question, 'livebench_release_date' | 'livebench_removal_date'>

/**
 * Whether a release asks this question, as LiveBench decides it: released by then, and not yet removed.
 * Without a release, what has been removed by the newest one is out; questions without dates are always in.
 */
export function isLive(question: Dates, release: string | undefined): boolean {
  const { livebench_release_date: released, livebench_removal_date: removed = '' } = question
  const until = release ?? newest
  if (removed !== '' && removed <= until) return false
  return release === undefined || released === undefined || (known.has(released) && released <= release)
}

/** What is wrong with a release option, if anything. `where` is how the user wrote it: `--release`. */
export function checkRelease(release: string, where: string): Problem | undefined {
  if (known.has(release)) return undefined
  return {
    where,
    what: `"${release}" is not a LiveBench release`,
    allowed: `The releases are ${RELEASES.join(', ')}`,
  }
}
