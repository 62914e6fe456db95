import type { Question } from '../types.ts'
import { GraderError } from './grader.ts'
import { type ParsedExpression, parseLatex } from './latex.ts'
import { normalizeLatex } from './normalize-latex.ts'
import { lastBoxed } from './text.ts'

/** LiveBench's own tolerance for two numbers. */
const TOLERANCE = 1e-3
const RELATIVE = 1e-9
/** Where two expressions are compared; no special values, and inside the domain of most functions. */
const SAMPLES = [0.3137, 0.7391, 1.2718, 1.9273, 2.6457, -0.4159, -1.3473]
const MIN_POINTS = 3

/**
 * The boxed answer (else the last formula, else the end of the text) equals the truth: as LaTeX, as a number, or as
 * a function of its variables at a few points. LiveBench asks a computer algebra system, and then another model.
 */
export function gradeAmpsHard(question: Question, answer: string): number {
  const truth = Array.isArray(question.ground_truth) ? question.ground_truth.at(-1) : question.ground_truth
  if (typeof truth !== 'string' || truth.trim() === '')
    throw new GraderError('the question has no ground_truth')
  const text = answer.replaceAll(/\+\s?[cC](?![a-zA-Z])/g, '').replaceAll('\n', ' ')
  const given = lastBoxed(text) ?? lastFormula(text)
  if (given !== undefined) return isSame(truth, rightOfEquals(given)) ? 1 : 0
  return text.trim().replace(/\.$/, '').endsWith(truth) ? 1 : 0
}

/** What stands in the last pair of `$`. */
function lastFormula(text: string): string | undefined {
  return text.split(/\$+/).length >= 3 ? text.split(/\$+/).at(-2) : undefined
}

function rightOfEquals(latex: string): string {
  return latex.split('=').at(-1) ?? latex
}

/** Whether two pieces of LaTeX mean the same. */
export function isSame(a: string, b: string): boolean {
  const [left, right] = [normalizeLatex(a), normalizeLatex(b)]
  if (withoutSpaces(left) === withoutSpaces(right)) return left !== ''
  const [x, y] = [parseLatex(left), parseLatex(right)]
  return x !== undefined && y !== undefined && agree(x, y)
}

function withoutSpaces(text: string): string {
  return text.replaceAll(/\s/g, '').replaceAll('\\cdot', '*')
}

function agree(x: ParsedExpression, y: ParsedExpression): boolean {
  const variables = [...new Set([...x.variables, ...y.variables])]
  if (variables.length === 0) return Math.abs(x.value(new Map()) - y.value(new Map())) < TOLERANCE
  const points = SAMPLES.flatMap((_, shift) => {
    const values = new Map(variables.map((name, i) => [name, SAMPLES[(shift + 3 * i) % SAMPLES.length] ?? 1]))
    const [a, b] = [x.value(values), y.value(values)]
    return Number.isFinite(a) || Number.isFinite(b) ? [{ a, b }] : []
  })
  return points.length >= MIN_POINTS && points.every(({ a, b }) => isClose(a, b))
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= RELATIVE * Math.max(1, Math.abs(a), Math.abs(b))
}
