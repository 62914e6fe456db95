import { RequestFailure, timeoutFailure } from './failure.ts'

/** Milliseconds that a request may stay quiet or last. */
export interface Patience {
  /** From the request to its first token. Long: a full server queues what it cannot serve yet. */
  readonly firstTokenMs: number
  /** Between two tokens. */
  readonly idleMs: number
  /** For the whole reply. */
  readonly totalMs: number
}

/** Ends a request that has gone quiet: one timer to the first token, then one between tokens, one for the whole. */
export class Watchdog implements Disposable {
  readonly #abort = new AbortController()
  readonly #patience: Patience
  readonly #total: NodeJS.Timeout
  #quiet: NodeJS.Timeout
  #started = false

  constructor(patience: Patience) {
    this.#patience = patience
    this.#total = setTimeout(() => this.#abort.abort(endless(patience.totalMs)), patience.totalMs)
    this.#quiet = this.#arm('no first token', patience.firstTokenMs)
  }

  /** Aborted with the RequestFailure that says what was waited for. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  sawToken(): void {
    if (this.#started) {
      this.#quiet.refresh()
      return
    }
    this.#started = true
    clearTimeout(this.#quiet)
    this.#quiet = this.#arm('no further token', this.#patience.idleMs)
  }

  #arm(what: string, ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#abort.abort(timeoutFailure(what, ms)), ms)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#total)
    clearTimeout(this.#quiet)
  }
}

/** A reply that never ends would not end the next time either. */
function endless(ms: number): RequestFailure {
  return new RequestFailure('APITimeoutError', `the reply did not end within ${ms / 1000} s`, {
    scope: 'question',
  })
}
