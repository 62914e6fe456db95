import { GRACE_MS, SKEW_MS } from '../../src/sweep/decide.ts'
import type { LedgerEntry } from '../support/sky-world/ledger.ts'
import { SILENT_MS } from './job.ts'
import { type Life, type Orphan, OTHER_MINUTES, SWEEP_MINUTES } from './life.ts'

const MINUTE = 60_000
/** The API server may still be asked to move a lease on when its run dies, or be arming one; and the skylet looks once a minute. */
const IN_FLIGHT_MS = 3 * MINUTE
/** After the runner's first signal. */
const MAIN_ENDS_S = 5
/** Post: until it starts, 4 minutes, and the last look. */
const POST_MS = 4.5 * MINUTE

/** Until when a VM may live, at the latest, by the ring that must catch it. */
export function boundOf(life: Life, entry: LedgerEntry): number {
  const { overAt, postAt, postCould, kept, schedule } = life
  const protection = protectionOf(life, entry)
  const leased = overAt + schedule.leaseMinutes * MINUTE + IN_FLIGHT_MS
  if (kept.has(entry.name)) return protection === 'lease' ? leased : sweptBy(life, entry)
  if (postAt !== null && postCould) return postAt + POST_MS
  if (protection === 'none') return sweptBy(life, entry)
  return Math.max(leased, protection === 'shutdown' ? sweptBy(life, entry) : 0)
}

/** The sweeper knows that a run is over when its job is, or that nobody may need the VM any more. */
function sweptBy({ overAt, postAt, schedule, other }: Life, { labels }: LedgerEntry): number {
  const startedAt = other.billedFrom
  const sweep = (SWEEP_MINUTES + 1) * MINUTE
  const expired = Number(labels['lmrun-expiry']) * 1000 + SKEW_MS
  // A live run may be using what was to be kept.
  const heard = startedAt + (schedule.silentGitHub ? SILENT_MS : OTHER_MINUTES * MINUTE)
  if (isKept({ labels })) return Math.max(expired, heard) + sweep
  if (schedule.silentGitHub) return expired + sweep
  const jobOver = postAt === null ? overAt : postAt + 5 * MINUTE
  return jobOver + GRACE_MS + sweep
}

function isKept({ labels }: Pick<LedgerEntry, 'labels'>): boolean {
  return labels['lmrun-ending'] === 'keep'
}

function protectionOf({ orphans }: Life, entry: LedgerEntry): Orphan['protection'] {
  return orphans.find(orphan => orphan.entry === entry)?.protection ?? 'none'
}

/** What is wrong with how a life went: nothing, when every VM ended in time, and nobody said what is not so. */
export function violations(life: Life): string[] {
  return [
    ...life.entries.flatMap(entry => [...late(life, entry), ...unsaved(life, entry), ...early(life, entry)]),
    ...untrue(life),
    ...untold(life),
    ...slow(life),
    ...(life.other.endedBy === 'other' ? [] : [`a VM of another run was ended by ${life.other.endedBy}`]),
  ]
}

function late(life: Life, entry: LedgerEntry): string[] {
  if (entry.billedTo === null) return [`${entry.name} is alive`]
  const seconds = Math.round((entry.billedTo - boundOf(life, entry)) / 1000)
  if (seconds <= 0) return []
  return [`${entry.name} (${protectionOf(life, entry)}) was ended by ${entry.endedBy} ${seconds} s late`]
}

/** Whatever happens next, post must know of it. */
function unsaved({ savedAt }: Life, { name, billedFrom }: LedgerEntry): string[] {
  const at = savedAt.get(name)
  return at !== undefined && at <= billedFrom ? [] : [`${name} was there before its name was saved`]
}

/** Main ends its VMs itself, and nothing that should live is ended: by a lease that was not moved on, or by post although it is kept. */
function early({ schedule, overAt, kept }: Life, entry: LedgerEntry): string[] {
  const { name, endedBy, billedTo } = entry
  const isLate = schedule.event === 'nothing' && !kept.has(name) && endedBy !== 'finally'
  if (isLate) return [`nothing happened, and ${name} was left to ${endedBy}`]
  if (kept.has(name) && endedBy === 'post') return [`${name} is kept, and post ended it`]
  // A VM that was told to go needs no lease, however long that takes.
  const trouble: readonly string[] = ['network lost', 'credentials expired', 'API errors', 'sky hangs']
  const undisturbed = !trouble.includes(schedule.event) && schedule.slowStarts === 0
  const byItself = endedBy === 'lease' || endedBy === 'shutdown'
  return undisturbed && byItself && (billedTo ?? 0) < overAt ? [`${endedBy} ended ${name} in its run`] : []
}

/** What was said to be gone is gone, and does not come back. */
function untrue({ claims, entries }: Life): string[] {
  return claims.flatMap(({ name, by, at }) =>
    entries
      .filter(entry => entry.name === name && (entry.billedTo ?? Number.POSITIVE_INFINITY) > at)
      .map(() => `${by} said that ${name} was gone, and it was not`),
  )
}

/** What post leaves it names, with the command. */
function untold({ postEndedAt, postFailure, entries, kept }: Life): string[] {
  if (postEndedAt === null) return []
  return entries
    .filter(({ name, billedTo }) => !kept.has(name) && (billedTo ?? Number.POSITIVE_INFINITY) > postEndedAt)
    .filter(({ name }) => !postFailure?.includes(`sky down -y ${name}`))
    .map(({ name }) => `post left ${name}, and did not say so`)
}

function slow({ killedByLadder, commandsLeft, cancelledAt, overAt }: Life): string[] {
  const wrong: string[] = []
  const seconds = cancelledAt === null ? 0 : (overAt - cancelledAt) / 1000
  if (killedByLadder) wrong.push('main did not end by itself in its time')
  if (seconds > MAIN_ENDS_S) wrong.push(`main took ${seconds} s to end`)
  if (cancelledAt !== null && commandsLeft > 0) wrong.push(`main left ${commandsLeft} commands running`)
  return wrong
}
