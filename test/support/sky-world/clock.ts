import type { Clock } from '../../../src/clock.ts'

interface Timer {
  readonly at: number
  /** Of two at the same time the older goes first: the same seed gives the same story. */
  readonly order: number
  readonly fire: () => void
}

/**
 * Time that goes on only while this process has nothing else to do: files are read and written for real in between,
 * and hours pass in milliseconds.
 */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  readonly #timers = new Set<Timer>()

  /** @param start Unix milliseconds */
  constructor(start = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const aborted = () => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      })
      signal?.addEventListener('abort', aborted, { once: true })
    })
  }

  timeout(ms: number): AbortSignal {
    const controller = new AbortController()
    this.after(ms, () => controller.abort(new DOMException('The operation timed out.', 'TimeoutError')))
    return controller.signal
  }

  every(ms: number, work: () => void): Disposable {
    let cancel = () => {}
    const next = () => {
      cancel = this.after(ms, () => {
        next()
        work()
      })
    }
    next()
    return { [Symbol.dispose]: () => cancel() }
  }

  /** Calls `fire` once, unless the returned function is called before. */
  after(ms: number, fire: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fire }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /**
   * Lets time pass until `work` has settled.
   * @throws Error when nothing will ever happen any more, or `limitMs` of virtual time have passed
   */
  async run<T>(work: Promise<T>, limitMs = 48 * 3_600_000): Promise<T> {
    let settled = false
    work.then(
      () => (settled = true),
      () => (settled = true),
    )
    const limit = this.#now + limitMs
    for (;;) {
      await idle()
      if (settled) return work
      const timer = this.#next()
      if (!timer) throw new Error('virtual time: nothing will ever happen any more')
      if (timer.at > limit) throw new Error(`virtual time: not done after ${limitMs / 60_000} minutes`)
      this.#timers.delete(timer)
      this.#now = timer.at
      timer.fire()
    }
  }

  /** Lets `ms` pass, with all that happens in them. */
  async pass(ms: number): Promise<void> {
    await this.run(this.sleep(ms))
  }

  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer
    }
    return first
  }
}

/** What this process still waits for when files are being read or written, or a child runs. */
const BUSY = /^(FSReq|CloseReq|FileHandleCloseReq|Zlib|ProcessWrap)/

/** So many turns of the event loop without a file operation: chains of promises have come to rest. */
const QUIET_TURNS = 3

async function idle(): Promise<void> {
  for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
    await new Promise(resolve => setImmediate(resolve))
    if (process.getActiveResourcesInfo().some(name => BUSY.test(name))) quiet = -1
  }
}
