import type { Rows } from './rows.ts'
import type { QuestionCounts } from './types.ts'
import { counted } from './wording.ts'

/** What became of one question of a model. Disjoint; the first that applies, in this order. */
export type Bucket = 'missing' | 'graderError' | 'error' | 'excluded' | 'scored'

/** A question that keeps a score from being one. */
export interface Finding {
  readonly id: string
  readonly task: string
  /** Of a grader error: the subtask whose grader failed. */
  readonly subtask?: string | undefined
  readonly message?: string | undefined
}

/** What keeps a model's scores from being whole; findings beyond those that are named are in the counts. */
export interface Findings {
  readonly counts: QuestionCounts
  readonly missing: readonly Finding[]
  readonly graderErrors: readonly Finding[]
  readonly errors: readonly Finding[]
  /** Why nobody can say whether the expected questions are all. */
  readonly doubts: readonly string[]
}

/** A reason names so many questions of a kind. */
export const NAMED = 20

/** The bucket of the question at a position; `rows` is undefined when there is nothing of the model. */
export function bucketOf(rows: Rows | undefined, position: number): Bucket {
  if (!rows?.judged[position]) return 'missing'
  const failure = rows.failures.get(position)
  const isError = rows.errors.has(position)
  // A status that is not certainly the grader's own may have been copied from an answer that is an error.
  if (failure && (failure.certain || !isError)) return 'graderError'
  if (isError) return 'error'
  return rows.scores[position] === -1 ? 'excluded' : 'scored'
}

/** Why a model's scores must not be read as such, as sentences; none when they may. */
export function reasonsOf(
  findings: Findings,
  { allowedErrors }: { readonly allowedErrors: number },
): string[] {
  const { counts, missing, graderErrors, errors, doubts } = findings
  const reasons = doubts.map(doubt => `completeness cannot be checked: ${doubt}`)
  if (counts.missing > 0) {
    reasons.push(
      `${counted(counts.missing, 'missing question')} (no judgment): ${byTask(missing, counts.missing)}`,
    )
  }
  if (counts.graderErrors > 0) {
    reasons.push(
      `${counted(counts.graderErrors, 'grader error')}: ${oneByOne(graderErrors, counts.graderErrors)}`,
    )
  }
  if (counts.errors > allowedErrors) {
    const allowed = `${allowedErrors} allowed`
    reasons.push(`${counted(counts.errors, 'answer error')} (${allowed}): ${oneByOne(errors, counts.errors)}`)
  }
  if (counts.scored === 0) reasons.push('no question was scored')
  return reasons
}

/** `spatial: id, id; typos: id; and 3 more` */
function byTask(findings: readonly Finding[], count: number): string {
  const groups = [...Map.groupBy(findings, ({ task }) => task)]
  const named = groups.map(([task, group]) => `${task}: ${group.map(({ id }) => id).join(', ')}`)
  return [...named, ...more(findings, count)].join('; ')
}

/** `amc12 in math_comp (id): what it said; …` */
function oneByOne(findings: readonly Finding[], count: number): string {
  const named = findings.map(({ id, task, subtask, message }) => {
    const where = subtask && subtask !== task ? `${subtask} in ${task}` : task
    return `${where} (${id})${message ? `: ${message}` : ''}`
  })
  return [...named, ...more(findings, count)].join('; ')
}

function more(findings: readonly Finding[], count: number): string[] {
  return count > findings.length ? [`and ${count - findings.length} more`] : []
}
