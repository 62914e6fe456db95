import { randomBytes } from 'node:crypto'
import { type Answer, API_ERROR_OUTPUT, type Question } from '../types.ts'
import type { Sampling } from './client.ts'
import { RequestFailure } from './failure.ts'
import type { Completion } from './reply.ts'

/** Who answered, and how it was asked: the same for all answers of a file. */
export interface Origin {
  readonly displayName: string
  readonly apiBase: string
  readonly model: string
  readonly sampling: Sampling
}

interface Outcome {
  readonly question: Question
  readonly origin: Origin
  readonly totalSeconds: number
}

/** An answer as LiveBench writes it, one completion a turn. */
export function answerRecord(
  completions: readonly Completion[],
  { question, origin, totalSeconds }: Outcome,
): Answer {
  const reasoning = completions.map(({ reasoning }) => reasoning).join('')
  const choice = { index: 0, turns: completions.map(({ text }) => text), ...(reasoning ? { reasoning } : {}) }
  return {
    ...header(question, origin),
    choices: [choice],
    ...measures(completions, totalSeconds),
    api_info: apiInfo(origin, completions),
  }
}

/** What LiveBench writes for a question that got no answer. */
export function errorRecord(failure: Error, { question, origin, totalSeconds }: Outcome): Answer {
  const came = failure instanceof RequestFailure ? failure.details.completion : undefined
  const reasoning = came?.reasoning ? { reasoning: came.reasoning } : {}
  return {
    ...header(question, origin),
    choices: [{ index: 0, turns: [API_ERROR_OUTPUT], ...reasoning }],
    ...measures(came ? [came] : [], totalSeconds),
    api_info: apiInfo(origin, came ? [came] : []),
    eval_status: 'answer_error',
    error: failure.name,
    error_msg: failure.message,
  }
}

function header(question: Question, { displayName }: Origin) {
  return {
    question_id: question.question_id,
    answer_id: shortUuid(),
    model_id: displayName,
    tstamp: Date.now() / 1000,
  }
}

function measures(completions: readonly Completion[], totalSeconds: number) {
  const total = (pick: (completion: Completion) => number) =>
    completions.reduce((sum, each) => sum + pick(each), 0)
  const firstTokenMs = completions[0]?.firstTokenMs
  const perSecond = tokensPerSecond(completions)
  return {
    total_time_s: round(totalSeconds),
    total_output_tokens: total(each => each.outputTokens),
    total_input_tokens: total(each => each.inputTokens),
    total_cached_tokens: total(each => each.cachedTokens),
    cost_usd: null,
    ...(typeof firstTokenMs === 'number' ? { ttft_s: round(firstTokenMs / 1000) } : {}),
    ...(perSecond === null ? {} : { tokens_per_second: round(perSecond) }),
  }
}

/**
 * Output tokens after the first of each turn ÷ seconds from it to the last: what a reader waits for once text flows.
 * Null when nothing was streamed after a first token.
 */
export function tokensPerSecond(completions: readonly Completion[]): number | null {
  const streamed = completions.filter(
    ({ firstTokenMs, generationMs }) => firstTokenMs !== null && generationMs > 0,
  )
  const milliseconds = streamed.reduce((sum, { generationMs }) => sum + generationMs, 0)
  const tokens = streamed.reduce((sum, { outputTokens }) => sum + Math.max(0, outputTokens - 1), 0)
  return milliseconds > 0 && tokens > 0 ? (tokens * 1000) / milliseconds : null
}

function apiInfo({ apiBase, model, sampling }: Origin, completions: readonly Completion[]) {
  // Said only where it matters: tokens that the server did not count are chunks, which may hold several.
  const chunks = completions.some(({ countedBy }) => countedBy === 'chunks')
  return {
    provider: apiBase,
    api_name: model,
    api_kwargs: sampling,
    ...(chunks ? { tokens_counted_by: 'chunks' as const } : {}),
  }
}

const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** 128 random bits in 22 characters: Python's shortuuid, which LiveBench names its answers with. */
export function shortUuid(): string {
  let rest = BigInt(`0x${randomBytes(16).toString('hex')}`)
  let id = ''
  while (id.length < 22) {
    id = ALPHABET.charAt(Number(rest % 57n)) + id
    rest /= 57n
  }
  return id
}

/** Three decimals: milliseconds, of which the rest is noise. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
