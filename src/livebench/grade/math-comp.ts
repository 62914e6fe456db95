import type { Question } from '../types.ts'
import { GraderError, textTruth } from './grader.ts'
import { lastBoxed, lastSolution } from './text.ts'

/** AIME: the number stands in the last 50 characters. */
export function gradeAime(question: Question, answer: string): number {
  const truth = textTruth(question)
  return isRepeated(lastSolution(answer), truth) || answer.slice(-50).includes(truth) ? 1 : 0
}

/** AMC: the letter four times in a row, in the solution, boxed or on the last line, or the value that it stands for. */
export function gradeAmc(question: Question, answer: string): number {
  const truth = textTruth(question)
  if (!/^[A-E]$/.test(truth)) throw new GraderError(`the ground_truth "${truth}" is not a letter from A to E`)
  const ways = [
    () => isRepeated(lastSolution(answer), truth),
    () => answer.includes(truth.repeat(4)),
    () => sameLetter(lastBoxed(answer)?.replaceAll(/\\text\{|\}|\\/g, ''), truth),
    () => endsWithValue(answer, choiceValue(question.turns[0] ?? '', truth)),
    () => lastLineSays(answer, truth),
  ]
  return ways.some(way => way()) ? 1 : 0
}

/** "B", "BBBBB" */
function isRepeated(text: string | undefined, truth: string): boolean {
  return text !== undefined && new Set(text).size === 1 && sameLetter(text[0], truth)
}

function sameLetter(text: string | undefined, truth: string): boolean {
  return text?.toLowerCase() === truth.toLowerCase()
}

/** What a letter stands for in the statement: `\textbf{(B) }14\qquad` → 14. */
function choiceValue(statement: string, letter: string): string | undefined {
  const choices = [...statement.matchAll(/\\textbf\{\(([A-E])\)\s?\}(.*?)(?:\\qquad|\$)/g)]
  const value = choices.findLast(choice => choice[1] === letter)?.[2]
  return value?.trim().replaceAll(/^[$~]+|[$~]+$/g, '') || undefined
}

function endsWithValue(answer: string, value: string | undefined): boolean {
  return value !== undefined && answer.slice(-(20 + value.length)).includes(value)
}

function lastLineSays(answer: string, truth: string): boolean {
  const line = answer.trim().split('\n').at(-1) ?? ''
  if (sameLetter(line.replaceAll('*', '').trim(), truth)) return true
  return sameLetter(line.split('(')[1]?.split(')')[0], truth) && line.includes(')')
}
