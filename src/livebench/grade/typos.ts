import type { Question } from '../types.ts'
import { textTruth } from './grader.ts'
import { lastSolution } from './text.ts'

/** The corrected text stands somewhere in the answer (in its last solution, when it has one). */
export function gradeTypos(question: Question, answer: string): number {
  const given = lastSolution(answer) ?? withoutTags(answer)
  const joined = given
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .join(' ')
  return joined.includes(textTruth(question)) ? 1 : 0
}

/** Without a whole solution: the text between `---` and `---`, else everything. */
function withoutTags(answer: string): string {
  const text = answer.replaceAll(/<\/?solution>/g, '')
  for (const line of text.split('\n')) {
    const between = line.split(' --- ')
    // Greedy at the front: the last text that has a separator on either side.
    if (between.length >= 3) return between.at(-2) ?? text
  }
  return text
}
