import type { Question } from '../types.ts'
import { GraderError } from './grader.ts'
import { solutions } from './text.ts'

type Events = ReadonlyMap<unknown, unknown>

/** Jaccard similarity of (user, months), to four digits. */
export function gradeConsecutiveEvents(question: Question, answer: string): number {
  const truth = events(parsed(question.ground_truth))
  if (truth === undefined) throw new GraderError('ground_truth is not a list of events')
  const given = events(parsed(solutions(answer).at(-1)?.trim()))
  if (given === undefined) return 0
  if (truth.size === 0 || given.size === 0) return truth.size === given.size ? 1 : 0
  const right = [...truth].filter(([user, months]) => given.has(user) && given.get(user) === months).length
  const union = right + (given.size - right) + (truth.size - right)
  return Math.round((right / union) * 10_000) / 10_000
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

/** User → months; the last row of a user counts. What is not such a row is not counted. */
function events(rows: unknown): Events | undefined {
  if (!Array.isArray(rows)) return undefined
  return new Map(rows.filter(isRow).map(row => [row.user_id, row.max_consecutive_growth_months]))
}

function isRow(
  row: unknown,
): row is { readonly user_id: unknown; readonly max_consecutive_growth_months?: unknown } {
  return typeof row === 'object' && row !== null && 'user_id' in row
}
