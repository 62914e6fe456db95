import { LmrunError } from '../../errors.ts'
import type { AnswerOptions } from './options.ts'
import { round } from './record.ts'
import type { Stored } from './store.ts'

/** `answer-<display name>.json`: what the answering was like, for the report. */
export interface AnswerSummary {
  /** The display name. */
  readonly model: string
  /** Unix times in milliseconds, of the session that wrote this. */
  readonly startedAt: number
  readonly endedAt: number
  readonly wallSeconds: number
  /** All questions of the selection, each of which has an answer. */
  readonly questions: number
  /** Those of an earlier session among them: their tokens are in the sums, and not in the throughput. */
  readonly answeredBefore: number
  readonly errors: number
  readonly outputTokens: number
  readonly inputTokens: number
  /** Output tokens of this session ÷ its wall seconds. */
  readonly throughput: number
}

interface SummaryInput {
  readonly options: Pick<AnswerOptions, 'displayName'>
  readonly stored: ReadonlyMap<string, Stored>
  /** Ids of the questions that this session asked. */
  readonly asked: ReadonlySet<string>
  readonly startedAt: number
  readonly endedAt: number
}

export function summarise({ options, stored, asked, startedAt, endedAt }: SummaryInput): AnswerSummary {
  const all = [...stored.values()]
  const session = [...stored].filter(([id]) => asked.has(id)).map(([, answer]) => answer)
  const sum = (answers: readonly Stored[], field: 'outputTokens' | 'inputTokens') =>
    answers.reduce((total, answer) => total + answer[field], 0)
  const wallSeconds = (endedAt - startedAt) / 1000
  return {
    model: options.displayName,
    startedAt,
    endedAt,
    wallSeconds,
    questions: all.length,
    answeredBefore: all.length - session.length,
    errors: all.filter(answer => answer.isError).length,
    outputTokens: sum(all, 'outputTokens'),
    inputTokens: sum(all, 'inputTokens'),
    throughput: wallSeconds > 0 ? round(sum(session, 'outputTokens') / wallSeconds) : 0,
  }
}

/** The error for a run in which each question ended in an error, by its causes, the most frequent first. */
export function nothingAnswered(
  answers: readonly Stored[],
  { apiBase }: Pick<AnswerOptions, 'apiBase'>,
): LmrunError {
  const causes = Map.groupBy(answers, answer => answer.error ?? 'an unknown error')
  const counted = [...causes]
    .map(([cause, group]) => ({ cause, count: group.length }))
    .sort((a, b) => b.count - a.count)
  const list = counted.map(({ cause, count }) => `${count} × ${cause}`).join(', ')
  return new LmrunError(`none of the ${answers.length} questions could be answered by ${apiBase}: ${list}`, {
    hint: 'The answer files say why, question by question (error_msg). Then ask again with --retry-failures.',
  })
}
