import pLimit from 'p-limit'
import type { Clock } from '../clock.ts'
import { explain } from '../errors.ts'
import { readOwner } from '../labels.ts'
import { type Decision, decide, ownerHere } from './decide.ts'
import type { Finding, Found, SweepSource } from './found.ts'
import type { Runs } from './runs.ts'

export interface SweepOptions {
  readonly sources: readonly SweepSource[]
  readonly runs: Runs
  /** `owner/name`; null: what belongs to no repository. */
  readonly repository: string | null
  readonly dryRun: boolean
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface SweepRow {
  readonly source: Found['source']
  readonly kind: Found['kind']
  readonly id: string
  readonly name: string
  readonly place: string
  readonly run: string
  readonly attempt: string
  /** `would-end`: a dry run. `failed`: it was to be ended and is, as far as we can see, still there. */
  readonly outcome: 'ended' | 'would-end' | 'left' | 'failed'
  readonly reason: string
}

/** What is ours, and what became of it; things of others are counted and no more. */
export interface SweepReport {
  readonly dryRun: boolean
  readonly rows: readonly SweepRow[]
  readonly foreign: number
  /** What could not be looked at: a source, a region. */
  readonly problems: readonly string[]
}

/** From the first request to the last look, for what is ended. */
const END_MS = 5 * 60_000
const LOOK_EVERY_MS = 5000
/** Runs asked for at once. */
const QUESTIONS = 5

/** Finds, decides, ends and verifies, in all sources side by side: one that fails does not stop the others. */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const reports = await Promise.all(options.sources.map(source => sweepSource(source, options)))
  options.signal.throwIfAborted()
  return {
    dryRun: options.dryRun,
    rows: reports.flatMap(report => report.rows),
    foreign: reports.reduce((sum, report) => sum + report.foreign, 0),
    problems: reports.flatMap(report => report.problems),
  }
}

/** How the sweep went: what the action's outputs say. */
export function countOutcomes({ rows }: SweepReport): Readonly<Record<'ended' | 'left' | 'failed', number>> {
  const count = (...outcomes: SweepRow['outcome'][]) =>
    rows.filter(row => outcomes.includes(row.outcome)).length
  return { ended: count('ended'), left: count('left', 'would-end'), failed: count('failed') }
}

type SourceReport = Omit<SweepReport, 'dryRun'>

async function sweepSource(source: SweepSource, options: SweepOptions): Promise<SourceReport> {
  const { found, problems } = await findIn(source, options.signal)
  const decided = await decideAll(found, options)
  const ending = decided.filter(({ decision }) => decision.action === 'end').map(one => one.found)
  const failures = options.dryRun || ending.length === 0 ? new Map() : await endAll(source, ending, options)
  const ours = decided.filter(({ decision }) => decision.action === 'end' || !decision.foreign)
  return {
    rows: ours.map(({ found, decision }) => rowOf(found, decision, failures.get(found.id), options)),
    foreign: decided.length - ours.length,
    problems,
  }
}

async function findIn(source: SweepSource, signal: AbortSignal): Promise<Finding> {
  try {
    return await source.find(signal)
  } catch (error) {
    return { found: [], problems: [`${source.name}: ${explain(error)}`] }
  }
}

interface Decided {
  readonly found: Found
  readonly decision: Decision
}

function decideAll(found: readonly Found[], options: SweepOptions): Promise<readonly Decided[]> {
  const { runs, repository, clock } = options
  const limit = pLimit(QUESTIONS)
  return Promise.all(
    found.map(async one => {
      const owner = ownerHere(one.labels, repository)
      // Things of others are decided on, too, but nobody is asked about them.
      const run = owner ? await limit(() => runs.state(owner)) : ({ state: 'unheard' } as const)
      const othersLive = owner?.ending === 'keep' && (await runs.anyLive())
      return { found: one, decision: decide(one, { now: clock.now(), repository, run, othersLive }) }
    }),
  )
}

/** Ends and looks until nothing is left or the time is over; what is left, with why. Never rejects. */
async function endAll(
  source: SweepSource,
  ending: readonly Found[],
  { clock, signal }: SweepOptions,
): Promise<ReadonlyMap<string, string>> {
  const until = clock.now() + END_MS
  const bounded = AbortSignal.any([signal, clock.timeout(END_MS)])
  const allFailed = (error: unknown) => new Map(ending.map(({ id }) => [id, explain(error)]))
  const refused = await source.end(ending, bounded).catch(allFailed)
  let left = ending
  let reasons: ReadonlyMap<string, string> = new Map()
  for (;;) {
    const asked = left
    reasons = await source
      .remaining(asked, bounded)
      .catch(error => new Map(asked.map(({ id }) => [id, `it could not be looked for: ${explain(error)}`])))
    left = asked.filter(({ id }) => reasons.has(id))
    // Waiting helps only what is on its way out.
    const waiting = left.some(({ id }) => !refused.has(id))
    if (!waiting || clock.now() + LOOK_EVERY_MS > until || bounded.aborted) break
    await clock.sleep(LOOK_EVERY_MS, bounded).catch(() => {})
  }
  return new Map(left.map(({ id }) => [id, refused.get(id) ?? reasons.get(id) ?? 'it is still there']))
}

function rowOf(
  found: Found,
  decision: Decision,
  failure: string | undefined,
  { dryRun }: SweepOptions,
): SweepRow {
  const { source, kind, id, name, place, labels } = found
  const owner = readOwner(labels)
  const thing = { source, kind, id, name, place, run: owner?.run ?? '', attempt: owner?.attempt ?? '' }
  if (decision.action === 'leave') return { ...thing, outcome: 'left', reason: decision.reason }
  if (dryRun) return { ...thing, outcome: 'would-end', reason: decision.reason }
  return failure === undefined
    ? { ...thing, outcome: 'ended', reason: decision.reason }
    : { ...thing, outcome: 'failed', reason: failure }
}
