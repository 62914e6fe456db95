import type { Question } from '../types.ts'
import type { Sandbox } from './sandbox/probe.ts'

/** What a grader may need besides the question and the answer. */
export interface GradeContext {
  /** Where code is run; null when this machine has no usable Python. */
  readonly sandbox: Sandbox | null
  readonly signal: AbortSignal
}

/** Judges one answer (without its thinking): 0 to 1, rounded as LiveBench rounds. */
export type Grade = (question: Question, answer: string, context: GradeContext) => number | Promise<number>

/** The grader failed, or there is none: this says nothing of the answer, and makes a score invalid. */
export class GraderError extends Error {
  override readonly name = 'GraderError'
}

/** The ground truth of a question that must have one as text. */
export function textTruth(question: Question): string {
  if (typeof question.ground_truth === 'string') return question.ground_truth
  throw new GraderError('the question has no ground_truth')
}
