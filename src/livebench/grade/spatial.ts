import type { Question } from '../types.ts'
import { textTruth } from './grader.ts'
import { lastBoxed } from './text.ts'

const numbers = [
  ...[
    'zero',
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
    'twelve',
  ],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen', 'twenty'],
]
/** Shapes that may come with a word more: "two tetrahedra", "equilateral triangle". */
const shapes = ['tetrahedra', 'tetrahedron', 'triangle', 'square']

/** The answer is one of the last three **bold** texts, or boxed. */
export function gradeSpatial(question: Question, answer: string): number {
  const truth = textTruth(question)
  if (answer === truth) return 1
  const bold = [...answer.matchAll(/\*\*([^*]+)\*\*/g)]
    .slice(-3)
    .map(match => (match[1] ?? '').trim().toLowerCase())
  if (bold.some(word => means(word, truth.trim().toLowerCase()))) return 1
  const boxed = lastBoxed(answer)?.replaceAll(/\\textbf\{|\\mathbf\{|\}/g, '')
  return boxed === truth ? 1 : 0
}

function means(word: string, truth: string): boolean {
  if (word === truth) return true
  const number = numbers.indexOf(word)
  if (number >= 0 && String(number) === truth) return true
  return shapes.includes(truth) && word.includes(truth) && word.length < 2 * truth.length + 5
}
