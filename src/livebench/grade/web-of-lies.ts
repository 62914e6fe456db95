import type { Question } from '../types.ts'
import { textTruth } from './grader.ts'
import { lastBoxed, lastSolution } from './text.ts'

const words = ['yes', 'no', 'unknown']
const triples = words.flatMap(a => words.flatMap(b => words.map(c => `${a}, ${b}, ${c}`)))

/** Half for the share of right words, half for all of them. Compared as they are written, spaces included. */
export function gradeWebOfLies(question: Question, answer: string): number {
  const truth = textTruth(question).split(',')
  const given = givenWords(answer)?.split(',') ?? []
  const right = truth.filter((word, index) => given[index] === word).length
  return ((right === truth.length ? 1 : 0) + right / truth.length) / 2
}

function givenWords(answer: string): string | undefined {
  const solution = lastSolution(answer)
  if (solution !== undefined && solution.trim() !== '') return solution
  const boxed = lastBoxed(answer.replaceAll('\\textbf{', '\\boxed{'))
  if (boxed) return boxed.replaceAll('\\text{', '').replaceAll('}', '')
  return solution ?? lastTriple(answer.toLowerCase())
}

/** Of the triples that occur, the one whose first occurrence comes last. */
function lastTriple(answer: string): string | undefined {
  const places = triples
    .map(triple => ({ triple, place: answer.indexOf(triple) }))
    .filter(({ place }) => place >= 0)
  return places.toSorted((a, b) => a.place - b.place).at(-1)?.triple
}
