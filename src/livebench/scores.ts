import { createHash } from 'node:crypto'
import { InputError, type Problem } from '../errors.ts'
import { Averager } from './average.ts'
import { RELEASES } from './release.ts'
import { type AllRows, type FolderRows, type ReadOptions, type Rows, readRows } from './rows.ts'
import type { ModelScores, QuestionCounts, Scores } from './types.ts'
import { type Bucket, bucketOf, type Finding, NAMED, reasonsOf } from './validity.ts'
import { counted } from './wording.ts'

export interface ScoreOptions extends ReadOptions {
  /** Answer errors that a valid score may have; default 0. */
  readonly allowedErrors?: number
}

export interface ScoreReport {
  readonly scores: Scores
  /** Lines that could not be read, questions that were left out, models that are not there. */
  readonly warnings: readonly string[]
  readonly questions: {
    /** How many each model has to answer. */
    readonly expected: number
    /** Over their sorted ids, one a line: two reports compare only when it is equal. Sorting takes a while: a function. */
    readonly sha256: () => string
    /** How many the release does not ask. */
    readonly leftOut: number
  }
}

/**
 * Scores of every model that has an answer file or a judgment, as LiveBench computes them, and whether they are whole.
 * @param dir holds `data/live_bench` or `live_bench`
 * @throws InputError for a folder without LiveBench's files, an unknown release or benchmark, no question left
 */
export async function readScores(dir: string, options: ScoreOptions = {}): Promise<ScoreReport> {
  const { release, allowedErrors = 0 } = options
  const all = await readRows(dir, options)
  const { folders, warnings } = all
  const expected = sum(folders, ({ questions }) => questions.ids.size)
  const leftOut = sum(folders, ({ questions }) => questions.leftOut)
  if (expected === 0) throw new InputError([nothingLeft(dir, release, leftOut)])
  if (leftOut > 0)
    warnings.add(`${leftOut} of ${counted(expected + leftOut, 'question')} left out: ${why(release)}`)
  if (all.models.size === 0) warnings.add(`${dir} has no answer and no judgment of any model`)
  const named = [...all.models].sort(([, a], [, b]) => (a < b ? -1 : 1))
  const models = named.map(([key, name]) => [name, modelScores(all, key, allowedErrors)] as const)
  return {
    // fromEntries defines properties: a model may be named __proto__.
    scores: { schema: 'lmrun.scores/v1', models: Object.fromEntries(models) },
    warnings: warnings.all(),
    questions: { expected, sha256: () => sha256Of(folders), leftOut },
  }
}

function modelScores({ folders, groups }: AllRows, key: string, allowedErrors: number): ModelScores {
  const averager = new Averager()
  const tally = new Tally()
  for (const { questions, rows } of folders) {
    const own = rows.get(key)
    if (own) addScores(averager, own)
    for (let position = 0; position < questions.ids.size; position++) {
      const bucket = bucketOf(own, position)
      if (!tally.count(bucket)) continue
      const { task } = groups.at(questions.groups[position] ?? 0)
      tally.name(bucket, { task, id: questions.ids.text(position), ...whyNot(own, position) })
    }
  }
  const doubts = folders.flatMap(({ questions }) => questions.doubt ?? [])
  const findings = { ...tally.findings(), doubts }
  const reasons = reasonsOf(findings, { allowedErrors })
  return { ...averager.averages(groups), questions: findings.counts, valid: reasons.length === 0, reasons }
}

/** −1 takes a question out, and what is no number is not in; errors of every kind count as LiveBench counts them. */
function addScores(averager: Averager, { scores, groups }: Rows): void {
  for (let position = 0; position < scores.length; position++) {
    const score = scores[position] ?? Number.NaN
    if (score !== -1 && Number.isFinite(score)) averager.add(groups[position] ?? 0, score)
  }
}

function whyNot(rows: Rows | undefined, position: number): Pick<Finding, 'subtask' | 'message'> {
  const failure = rows?.failures.get(position)
  return { subtask: failure?.subtask, message: failure?.message ?? rows?.errors.get(position) }
}

/** How many questions are in each bucket, and the first of those that a reason names. */
class Tally {
  readonly #counts: Record<Bucket, number> = { missing: 0, graderError: 0, error: 0, excluded: 0, scored: 0 }
  readonly #named: Record<'missing' | 'graderError' | 'error', Finding[]> = {
    missing: [],
    graderError: [],
    error: [],
  }

  /** True when the question is to be named. */
  count(bucket: Bucket): bucket is 'missing' | 'graderError' | 'error' {
    this.#counts[bucket]++
    return bucket !== 'excluded' && bucket !== 'scored' && this.#named[bucket].length < NAMED
  }

  name(bucket: 'missing' | 'graderError' | 'error', finding: Finding): void {
    this.#named[bucket].push(finding)
  }

  findings() {
    const { missing, graderError: graderErrors, error: errors, excluded, scored } = this.#counts
    const expected = scored + errors + graderErrors + excluded + missing
    const counts: QuestionCounts = { expected, scored, errors, graderErrors, excluded, missing }
    const { graderError, error } = this.#named
    return { counts, missing: this.#named.missing, graderErrors: graderError, errors: error }
  }
}

function nothingLeft(dir: string, release: string | undefined, leftOut: number): Problem {
  if (leftOut === 0) {
    return {
      where: dir,
      what: 'its question files hold no question',
      allowed: 'They hold one JSON object a line',
    }
  }
  return {
    where: 'release',
    what: `no question is left: all ${leftOut} are left out, ${why(release)}`,
    allowed: 'Choose a later release, or none',
  }
}

function why(release: string | undefined): string {
  return release === undefined
    ? `removed by ${RELEASES.at(-1)}, the newest release`
    : `not released by ${release}, or removed by then`
}

function sha256Of(folders: readonly FolderRows[]): string {
  const ids = folders.flatMap(({ questions }) => questions.ids.texts()).sort()
  return createHash('sha256').update(ids.join('\n')).digest('hex')
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
