import { type Span, spanOf } from './id-table.ts'
import { type Line, parseLine } from './lines.ts'
import { textOf } from './python-json.ts'
import { LineScanner } from './scan.ts'
import type { TextCache } from './text-cache.ts'

/** What scores need of a question. */
export interface QuestionRow {
  readonly id: Span
  readonly category: string | undefined
  readonly task: string | undefined
  readonly released: string | undefined
  /** Undefined when it is still live. */
  readonly removed: string | undefined
}

const KEYS = ['question_id', 'category', 'task', 'livebench_release_date', 'livebench_removal_date'] as const

/** Reads the lines of a question file; prompts and test cases, which can be long, are skipped. */
export class QuestionParser {
  readonly #scanner: LineScanner<(typeof KEYS)[number]>

  constructor(texts: TextCache) {
    this.#scanner = new LineScanner(KEYS, texts)
  }

  /** Undefined for a line that is no question. */
  parse(line: Line): QuestionRow | undefined {
    return (this.#scanner.scan(line) && this.#plain()) || parseFully(line)
  }

  #plain(): QuestionRow | undefined {
    const scanner = this.#scanner
    const id = scanner.span('question_id')
    const category = scanner.text('category')
    const task = scanner.text('task')
    const released = scanner.text('livebench_release_date')
    const removed = scanner.text('livebench_removal_date')
    const isPlain = id && category && task && (removed || scanner.isEmptyText('livebench_removal_date'))
    return isPlain && released ? { id, category, task, released, removed } : undefined
  }
}

function parseFully(line: Line): QuestionRow | undefined {
  const row = parseLine(line)
  const id = textOf(row?.question_id)
  if (!row || !id) return undefined
  return {
    id: spanOf(id),
    category: textOf(row.category),
    task: textOf(row.task),
    released: textOf(row.livebench_release_date),
    removed: textOf(row.livebench_removal_date),
  }
}
