import pLimit from 'p-limit'
import type { Answer, Question } from '../types.ts'
import type { AnswerContext } from './answer.ts'
import { type ChatClient, type Message, openClient } from './client.ts'
import { RequestFailure } from './failure.ts'
import type { AnswerOptions } from './options.ts'
import { type Counts, ProgressLog } from './progress.ts'
import { answerRecord, errorRecord, type Origin } from './record.ts'
import type { Completion } from './reply.ts'
import { concernsAll, stopError, stopped } from './stop.ts'
import type { Answers } from './store.ts'

interface SessionOptions {
  readonly questions: readonly Question[]
  readonly missing: readonly Question[]
  readonly answers: Answers
  readonly options: AnswerOptions
  readonly context: AnswerContext
}

/** One call's work: the missing questions, at most `parallel` at a time, each answer on disk before the next is asked. */
export class Session implements Disposable {
  readonly #given: SessionOptions
  readonly #client: ChatClient
  readonly #origin: Origin
  readonly #progress: ProgressLog
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #startedAt = performance.now()
  readonly #seen = new Set<string>()
  #succeeded = 0
  #recorded = 0
  #errors: number
  #retries = 0

  constructor(given: SessionOptions) {
    const { options, context, questions, missing, answers } = given
    const { apiBase, apiKey, model, displayName, limits } = options
    const sampling = { temperature: 0, max_tokens: options.maxTokens }
    const again = new Set(missing)
    this.#given = given
    this.#errors = questions.filter(question => !again.has(question) && answers.get(question)?.isError).length
    this.#origin = { displayName, apiBase, model, sampling }
    this.#progress = new ProgressLog(context.log)
    this.#signal = AbortSignal.any([context.signal, this.#stop.signal])
    const onRetry = (failure: RequestFailure) => this.#noteRetry(failure)
    this.#client = openClient({ apiBase, apiKey, model, sampling, limits, onRetry })
  }

  async run(): Promise<void> {
    const { missing, options, context } = this.#given
    const limit = pLimit(options.parallel)
    // All settle before this returns, so that no answer is written after the files are closed.
    const settled = await Promise.allSettled(missing.map(question => limit(() => this.#answer(question))))
    this.#progress.end(this.#counts())
    const { done, total } = this.#counts()
    if (context.signal.aborted) throw stopped({ done, total, cause: context.signal.reason })
    const failed = settled.find(result => result.status === 'rejected')
    if (failed) throw this.#stop.signal.reason ?? failed.reason
  }

  async #answer(question: Question): Promise<void> {
    this.#signal.throwIfAborted()
    try {
      this.#record(question, await this.#ask(question))
      this.#progress.update(this.#counts())
    } catch (error) {
      // The first reason is the one to report; the others only follow from it.
      if (!this.#signal.aborted) this.#stop.abort(error)
      throw error
    }
  }

  async #ask(question: Question): Promise<Answer> {
    const { options } = this.#given
    const startedAt = performance.now()
    const succeededBefore = this.#succeeded
    const outcome = () => ({
      question,
      origin: this.#origin,
      totalSeconds: (performance.now() - startedAt) / 1000,
    })
    try {
      return answerRecord(await converse(question, this.#client, this.#signal), outcome())
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error
      const facts = { succeeded: this.#succeeded, succeededMeanwhile: this.#succeeded > succeededBefore }
      if (concernsAll(error, facts)) throw stopError(error, options)
      return errorRecord(error, outcome())
    }
  }

  #record(question: Question, answer: Answer): void {
    this.#given.answers.append(question, answer)
    this.#recorded += 1
    if (answer.eval_status === undefined) this.#succeeded += 1
    else {
      this.#errors += 1
      this.#given.context.log(
        `no answer to ${question.task} ${question.question_id}: ${answer.error}: ${answer.error_msg}`,
      )
    }
  }

  /** Says each kind of trouble once, and counts the rest. */
  #noteRetry(failure: RequestFailure): void {
    this.#retries += 1
    if (this.#seen.has(failure.name)) return
    this.#seen.add(failure.name)
    this.#given.context.log(`trying again after ${failure.name}: ${failure.message}`)
  }

  #counts(): Counts {
    const { questions, missing } = this.#given
    return {
      total: questions.length,
      done: questions.length - missing.length + this.#recorded,
      errors: this.#errors,
      retries: this.#retries,
      session: this.#recorded,
      elapsedMs: performance.now() - this.#startedAt,
    }
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
  }
}

/** Puts the turns of a question one after the other, each with what was said before. */
async function converse(question: Question, client: ChatClient, signal: AbortSignal): Promise<Completion[]> {
  const messages: Message[] = question.system_prompt
    ? [{ role: 'system', content: question.system_prompt }]
    : []
  const completions: Completion[] = []
  for (const content of question.turns) {
    messages.push({ role: 'user', content })
    const completion = await client.complete(messages, signal)
    if (completion.text.trim() === '') throw emptyAnswer(completion)
    messages.push({ role: 'assistant', content: completion.text })
    completions.push(completion)
  }
  return completions
}

/** LiveBench takes an empty reply for an error. At temperature 0 it would be empty again. */
function emptyAnswer(completion: Completion): RequestFailure {
  const { outputTokens, finishReason, reasoning } = completion
  const thought = reasoning ? ', all of them reasoning' : ''
  const message = `the model said nothing (${outputTokens} tokens${thought}, finish reason ${finishReason ?? 'unknown'})`
  return new RequestFailure('EmptyAnswerError', message, { scope: 'question', completion })
}
