import type { Question } from '../types.ts'
import { textTruth } from './grader.ts'
import { lastBoxed } from './text.ts'

/** The column's class ends the answer, whatever the case and the punctuation. */
export function gradeCta(question: Question, answer: string): number {
  const boxed = answer.includes('\\boxed{') ? lastBoxed(answer) : undefined
  const given = boxed === undefined ? answer : boxed.replaceAll(/\\text\{|\}|\\/g, '')
  const truth = clean(textTruth(question))
  return truth !== '' && clean(given).endsWith(truth) ? 1 : 0
}

function clean(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}_]/gu, '')
}
