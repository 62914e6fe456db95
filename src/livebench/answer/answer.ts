import { LmrunError } from '../../errors.ts'
import { loadQuestions, writeQuestions } from '../questions.ts'
import type { Question } from '../types.ts'
import { summaryPath, writeInFolder } from './folder.ts'
import type { AnswerOptions } from './options.ts'
import { plural } from './progress.ts'
import { Session } from './session.ts'
import { openAnswers, readAnswers, type Stored } from './store.ts'
import { type AnswerSummary, nothingAnswered, summarise } from './summary.ts'

export interface AnswerContext {
  readonly signal: AbortSignal
  /** Gets plain lines: what is to do, retries by cause, and the progress at most once a second. */
  readonly log: (line: string) => void
}

/**
 * Asks a served model the questions that it has not answered yet and keeps the answers as LiveBench does, in
 * `<dir>/data/live_bench/<category>/<task>/model_answer/<display name>.jsonl`. An answer that failed is a record too.
 * @returns what `<dir>/answer-<display name>.json` says
 * @throws InputError for a bad source or benchmark; LmrunError when all requests fail for one reason, when no question
 * could be answered, or when it was aborted. What was answered before that is kept, and the next call goes on.
 */
export async function answerQuestions(
  options: AnswerOptions,
  context: AnswerContext,
): Promise<AnswerSummary> {
  const { benchmarks, release, dir, displayName } = options
  const questions = await loadQuestions(options.questions, { benchmarks, ...(release ? { release } : {}) })
  await writeQuestions(dir, questions)

  const startedAt = Date.now()
  const asked = await askMissing(questions, options, context)
  const stored = complete(questions, options)
  const summary = summarise({ options, stored, asked, startedAt, endedAt: Date.now() })
  // A call that found nothing to ask measured nothing: an earlier one's figures stay.
  if (asked.size > 0)
    await writeInFolder(summaryPath(dir, displayName), `${JSON.stringify(summary, null, 2)}\n`)
  if (summary.errors === summary.questions) throw nothingAnswered([...stored.values()], options)
  return summary
}

/** Returns the ids of the questions that were asked now. */
async function askMissing(questions: readonly Question[], options: AnswerOptions, context: AnswerContext) {
  using answers = openAnswers(questions, options)
  if (answers.unreadable > 0) {
    context.log(`${plural(answers.unreadable, 'line')} of the answer files hold no answer: they are left out`)
  }
  const missing = questions.filter(question => {
    const answer = answers.get(question)
    return answer === undefined || (answer.isError && options.retryFailures)
  })
  const before = questions.length - missing.length
  context.log(
    `asking ${options.model} ${plural(missing.length, 'question')}${before > 0 ? `, ${before} answered before` : ''}`,
  )
  using session = new Session({ questions, missing, answers, options, context })
  await session.run()
  await answers.reorganise()
  return new Set(missing.map(question => question.question_id))
}

/** The answers as the files have them: what was kept counts, not what we believe to have written. */
function complete(questions: readonly Question[], options: AnswerOptions): ReadonlyMap<string, Stored> {
  const stored = readAnswers(questions, options)
  const missing = questions.filter(question => !stored.has(question.question_id))
  if (missing.length === 0) return stored
  const ids = missing.slice(0, 5).map(question => question.question_id)
  throw new LmrunError(
    `${missing.length} of ${questions.length} questions have no answer: ${ids.join(', ')}`,
    {
      hint: 'The files were changed meanwhile. Run the same command again: it asks what is missing.',
    },
  )
}
