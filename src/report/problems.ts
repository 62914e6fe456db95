import { entries, standing } from './digest.ts'
import { oneLine } from './escape.ts'
import type { Failure, ModelResult, Results } from './results.ts'

/** Something that kept a model or the run from a score, ready to be said plainly. */
export interface Problem {
  /** Model key; null for the run. */
  readonly subject: string | null
  /** What failed, or that the score is invalid. */
  readonly what: string
  /** Why a score is invalid, one sentence each. */
  readonly reasons: readonly string[]
  readonly cause: string | null
  /** What to do, one sentence each. */
  readonly advice: readonly string[]
  /** The last lines of the log that tells. */
  readonly log: readonly string[]
}

/** The run's own failure first, then every model without a valid score. */
export function problems(results: Results): readonly Problem[] {
  const ofModels = entries(results)
    .filter(([, model]) => standing(model, results).kind === 'invalid')
    .map(([key, model]) => modelProblem(key, model))
  const { failure } = results
  if (!failure || isTold(results, ofModels)) return ofModels
  return [failureProblem(null, failure), ...ofModels]
}

/** The headline says that a run was cancelled, and a model's own problem says what it died of. */
function isTold({ run, failure }: Results, ofModels: readonly Problem[]): boolean {
  const isBare = !failure?.cause && !failure?.hint && !failure?.log
  if (run.status === 'cancelled' && isBare) return true
  return ofModels.some(problem => problem.what === oneLine(failure?.what ?? ''))
}

function modelProblem(key: string, model: ModelResult): Problem {
  if (model.failure) {
    const problem = failureProblem(key, model.failure)
    return model.scores ? { ...problem, reasons: model.scores.reasons } : problem
  }
  const what = 'INVALID. Its numbers are left out because they would mislead.'
  const reasons = model.scores?.reasons ?? ['there are no scores of this model']
  return { subject: key, what, reasons, cause: null, advice: adviceFor(model), log: [] }
}

function failureProblem(subject: string | null, { what, cause, hint, log }: Failure): Problem {
  const advice = hint === undefined || hint.trim() === '' ? [] : [hint]
  return { subject, what: oneLine(what), reasons: [], cause: cause ?? null, advice, log: log ?? [] }
}

function adviceFor({ scores }: ModelResult): readonly string[] {
  const { missing = 0, graderErrors = 0, errors = 0 } = scores?.questions ?? {}
  return [
    missing > 0 &&
      'Missing questions: the client stopped early or skipped them. Its log says why; then run again.',
    graderErrors > 0 &&
      'Grader errors say nothing of the model: see the notes of these questions, mend the grader, grade again.',
    errors > 0 &&
      'Failed answers: see their notes, then answer them again with `lmrun answer --retry-failures`.',
  ].filter(advice => typeof advice === 'string')
}
