import { type CommentDeps, openComment } from './comment-results.ts'
import type { Progress } from './progress.ts'
import type { Results } from './report/results.ts'
import { type PhaseState, renderUnderWay } from './report/under-way.ts'

/** Milliseconds between two updates: far below GitHub's limits on content, whatever the run does. */
const EVERY_MS = 20_000
/** Milliseconds for one update, so that the results do not wait long for one that hangs. */
const DEADLINE_MS = 10_000

/**
 * Shows in the comment how far the run is, until its results take the place. A courtesy: when it fails it says so
 * once in the log and stops, and nothing waits for it but the results, which must be the last to write.
 */
export class LiveComment {
  readonly #deps: CommentDeps
  readonly #states = new Map<string, PhaseState>()
  #draft: Results | null = null
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> = Promise.resolve()
  #busy = false
  #stopped = false

  constructor(deps: CommentDeps) {
    this.#deps = deps
  }

  /** Called when the run is sure to begin. */
  begin(draft: Results): void {
    this.#draft = draft
    this.#timer = setInterval(() => this.#update(), EVERY_MS)
    this.#update()
  }

  /** Resolves when no update is under way and none will come. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#underWay
  }

  /** Notes what the run tells, and passes it on. */
  watch(progress: Progress): Progress {
    return {
      start: (subject, name) => {
        this.#note({ subject, name, ended: null, text: '' })
        progress.start(subject, name)
      },
      update: (subject, text) => {
        for (const state of this.#states.values()) {
          if (state.subject === subject && !state.ended) this.#note({ ...state, text })
        }
        progress.update(subject, text)
      },
      end: phase => {
        const { subject, name, ok, startedAt, endedAt } = phase
        this.#note({ subject, name, ended: { ok, ms: endedAt - startedAt }, text: '' })
        progress.end(phase)
      },
      warn: text => progress.warn(text),
    }
  }

  #note(state: PhaseState): void {
    this.#states.set(`${state.subject}\0${state.name}`, state)
  }

  /** One at a time: an update that is due while another is under way is the next one's business. */
  #update(): void {
    if (this.#busy || this.#stopped) return
    this.#busy = true
    this.#underWay = this.#post().finally(() => {
      this.#busy = false
    })
  }

  async #post(): Promise<void> {
    if (!this.#draft) return
    const comment = await openComment(this.#deps)
    if (!comment.open) return this.#giveUp()
    const outcome = await comment.write(renderUnderWay(this.#draft, [...this.#states.values()]), DEADLINE_MS)
    if (outcome.posted) return
    this.#deps.log(`how far the run is cannot be shown: ${outcome.warning}`)
    this.#giveUp()
  }

  #giveUp(): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }
}
