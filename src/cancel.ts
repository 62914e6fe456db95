import type { Clock } from './clock.ts'
import { LmrunError } from './errors.ts'

/**
 * How the runner asks main to end: SIGINT, SIGTERM 7.5 s later, SIGKILL 2.5 s after that. Some runners begin with
 * SIGTERM. What main does not get done in the meantime, post does.
 */
export interface Cancel {
  /** Aborted by the first of either. */
  readonly signal: AbortSignal
  /** Aborted by SIGTERM. */
  readonly urgent: AbortSignal
}

/** Milliseconds that are given to what goes on; closing takes its time after that. */
const AFTER_SIGINT_MS = 3500
const AFTER_SIGTERM_MS = 700

export class Cancellation implements Cancel {
  readonly #signal = new AbortController()
  readonly #urgent = new AbortController()

  get signal(): AbortSignal {
    return this.#signal.signal
  }

  get urgent(): AbortSignal {
    return this.#urgent.signal
  }

  by(name: 'SIGINT' | 'SIGTERM'): void {
    const reason = new DOMException(`cancelled by ${name}`, 'AbortError')
    this.#signal.abort(reason)
    if (name === 'SIGTERM') this.#urgent.abort(reason)
  }
}

/** What the work gives. Rejects when it does not soon end after a cancel: it goes on then, unheard. */
export async function withinGrace<T>(work: Promise<T>, cancel: Cancel, clock: Clock): Promise<T> {
  const over = new AbortController()
  try {
    return await Promise.race([work, graceOver(cancel, clock, over.signal)])
  } finally {
    over.abort()
  }
}

/** Never settles when nobody cancels. */
async function graceOver({ signal, urgent }: Cancel, clock: Clock, over: AbortSignal): Promise<never> {
  const after = (begin: AbortSignal, ms: number) => aborted(begin).then(() => clock.sleep(ms, over))
  await Promise.race([after(signal, AFTER_SIGINT_MS), after(urgent, AFTER_SIGTERM_MS)]).catch(() => {})
  throw new LmrunError('the run was cancelled: the post step ends what is left')
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
