import type { Clock } from './clock.ts'
import type { Progress } from './progress.ts'
import type { Phase } from './report/results.ts'

/** Records what happened in a run, and when, while telling it. */
export class Story {
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly #phases: Phase[] = []
  readonly #warnings = new Set<string>()

  readonly #progress: Progress
  readonly #clock: Clock

  constructor(progress: Progress, clock: Clock) {
    this.#progress = progress
    this.#clock = clock
    this.startedAt = clock.now()
  }

  get phases(): readonly Phase[] {
    return this.#phases.toSorted((a, b) => a.startedAt - b.startedAt)
  }

  get warnings(): readonly string[] {
    return [...this.#warnings]
  }

  async phase<T>(subject: string, name: Phase['name'], work: () => Promise<T>): Promise<T> {
    const startedAt = this.#clock.now()
    this.#progress.start(subject, name)
    let ok = false
    try {
      const value = await work()
      ok = true
      return value
    } finally {
      const phase = { subject, name, startedAt, endedAt: this.#clock.now(), ok }
      this.#phases.push(phase)
      this.#progress.end(phase)
    }
  }

  update(subject: string, text: string): void {
    this.#progress.update(subject, text)
  }

  /** Something to know while the run goes on; the report tells it in its own way. */
  tell(text: string): void {
    this.#progress.warn(text)
  }

  /** A warning is told once and kept for the report. */
  readonly warn = (text: string): void => {
    if (this.#warnings.has(text)) return
    this.#warnings.add(text)
    this.#progress.warn(text)
  }
}
