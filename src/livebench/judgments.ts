import { type Span, spanOf } from './id-table.ts'
import { type Line, parseLine } from './lines.ts'
import { textOf } from './python-json.ts'
import { LineScanner } from './scan.ts'
import type { TextCache } from './text-cache.ts'
import { oneLine, saysFailed } from './wording.ts'

/** What scores need of a judgment. */
export interface Judged {
  readonly questionId: Span
  readonly model: string
  /** As it stands in the file, also out of range; NaN when it is no number. */
  readonly score: number
  readonly category: string | undefined
  readonly task: string | undefined
  readonly failure: GraderFailure | undefined
}

/** What says that the score is not the grader's verdict. */
export interface GraderFailure {
  /** False for another status, which may have been copied from the answer. */
  readonly certain: boolean
  readonly subtask: string | undefined
  readonly message: string
}

const KEYS = [
  'question_id',
  'task',
  'model',
  'score',
  'category',
  'eval_status',
  'error_msg',
  'error',
] as const

/** Reads the lines of a judgment file. */
export class JudgmentParser {
  readonly #scanner: LineScanner<(typeof KEYS)[number]>

  constructor(texts: TextCache) {
    this.#scanner = new LineScanner(KEYS, texts)
  }

  /** Undefined for a line that is no judgment. */
  parse(line: Line): Judged | undefined {
    return (this.#scanner.scan(line) && this.#plain()) || parseFully(line)
  }

  /** What nearly every line is: a few plain texts, a score in range, no word of a failure. */
  #plain(): Judged | undefined {
    const scanner = this.#scanner
    if (scanner.has('eval_status') || scanner.has('error_msg') || scanner.has('error')) return undefined
    const questionId = scanner.span('question_id')
    const model = scanner.text('model')
    const category = scanner.text('category')
    const task = scanner.text('task')
    const score = scanner.number('score')
    if (!questionId || !model || !category || !task || !isScore(score)) return undefined
    return { questionId, model, score, category, task, failure: undefined }
  }
}

function parseFully(line: Line): Judged | undefined {
  const row = parseLine(line)
  const questionId = textOf(row?.question_id)
  const model = textOf(row?.model)
  if (!row || !questionId || !model) return undefined
  // Python's True is 1 in LiveBench's arithmetic, but no grader's verdict.
  const score =
    typeof row.score === 'number' || typeof row.score === 'boolean' ? Number(row.score) : Number.NaN
  return {
    questionId: spanOf(questionId),
    model,
    score,
    category: textOf(row.category),
    task: textOf(row.task),
    failure: failureOf(row),
  }
}

function failureOf(row: Readonly<Record<string, unknown>>): GraderFailure | undefined {
  const subtask = textOf(row.subtask)
  const said = saysFailed(row)
  if (row.eval_status === 'eval_error') return { certain: true, subtask, message: said ?? 'eval_error' }
  if (typeof row.score !== 'number' || !isScore(row.score)) {
    const score =
      row.score === undefined ? 'there is no score' : `the score is ${oneLine(JSON.stringify(row.score))}`
    return { certain: true, subtask, message: `${score}, not a number from 0 to 1 (or -1)` }
  }
  return said === undefined ? undefined : { certain: false, subtask, message: said }
}

function isScore(score: number): boolean {
  return (score >= 0 && score <= 1) || score === -1
}
