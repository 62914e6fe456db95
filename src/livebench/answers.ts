import { type Span, spanOf } from './id-table.ts'
import { type Line, parseLine } from './lines.ts'
import { isRecord, textOf } from './python-json.ts'
import { LineScanner } from './scan.ts'
import type { TextCache } from './text-cache.ts'
import { API_ERROR_OUTPUT } from './types.ts'
import { saysFailed } from './wording.ts'

/** What scores need of an answer. */
export interface Answered {
  readonly questionId: Span
  /** Why it is an error and no answer. */
  readonly error: string | undefined
}

const KEYS = ['question_id', 'choices', 'eval_status', 'error_msg', 'error'] as const

/** Reads the lines of an answer file; the texts of answers are skipped, not decoded. */
export class AnswerParser {
  readonly #scanner: LineScanner<(typeof KEYS)[number]>

  constructor(texts: TextCache) {
    this.#scanner = new LineScanner(KEYS, texts)
  }

  /** Undefined for a line that is no answer. */
  parse(line: Line): Answered | undefined {
    return (this.#scanner.scan(line) && this.#plain()) || parseFully(line)
  }

  #plain(): Answered | undefined {
    const scanner = this.#scanner
    if (scanner.has('eval_status') || scanner.has('error_msg') || scanner.has('error')) return undefined
    const questionId = scanner.span('question_id')
    return questionId && scanner.isPlainlyText('choices') ? { questionId, error: undefined } : undefined
  }
}

/** The texts of an answer, one a turn. LiveBench grades the first choice. */
export function turnsOf(row: Readonly<Record<string, unknown>>): string[] {
  const choice: unknown = Array.isArray(row.choices) ? row.choices[0] : undefined
  const turns = isRecord(choice) ? choice.turns : undefined
  return (Array.isArray(turns) ? turns : [turns]).filter(turn => typeof turn === 'string')
}

/** Why an answer is an error, or undefined for an answer. */
export function answerError(row: Readonly<Record<string, unknown>>): string | undefined {
  const said = saysFailed(row)
  if (said !== undefined) return said
  const turns = turnsOf(row)
  if (turns.some(turn => turn.trim() === API_ERROR_OUTPUT)) return `the answer is ${API_ERROR_OUTPUT}`
  return turns.length === 0 || turns.some(turn => turn.trim() === '') ? 'the answer is empty' : undefined
}

function parseFully(line: Line): Answered | undefined {
  const row = parseLine(line)
  const questionId = textOf(row?.question_id)
  return row && questionId ? { questionId: spanOf(questionId), error: answerError(row) } : undefined
}
