import type { Line } from './lines.ts'
import { printable } from './wording.ts'

/** Of one file; a file that is broken throughout is told by its first lines. */
const PER_FILE = 5

/** What a reader of the scores must know that is not an error. */
export class Warnings {
  readonly #messages: string[] = []
  readonly #counts = new Map<string, number>()

  add(message: string): void {
    this.#messages.push(printable(message))
  }

  /** A line that cannot be read. It counts as absent: what it said is then missing. */
  broken(file: string, line: Line): void {
    const what = line.unterminated ? 'the last line is cut off' : 'not a line of LiveBench’s'
    this.#addOf(file, `${file}:${line.number}: ${what}; it counts as absent`)
  }

  duplicate(file: string, line: Line): void {
    this.#addOf(file, `${file}:${line.number}: a question of the same id comes before; it counts once`)
  }

  all(): string[] {
    const more = [...this.#counts].filter(([, count]) => count > PER_FILE)
    return [...this.#messages, ...more.map(([file, count]) => `${file}: ${count - PER_FILE} more such lines`)]
  }

  #addOf(file: string, message: string): void {
    const count = (this.#counts.get(file) ?? 0) + 1
    this.#counts.set(file, count)
    if (count <= PER_FILE) this.add(message)
  }
}
