import type { Clock } from './clock.ts'

export interface Patience {
  readonly clock: Clock
  readonly ms: number
  /** Nobody waits any longer when it aborts. */
  readonly signal?: AbortSignal
}

/** What the work gives, or undefined when that takes too long: it goes on then, unheard. Rejects as the work does. */
export async function within<T>(work: Promise<T>, { clock, ms, signal }: Patience): Promise<T | undefined> {
  const over = new AbortController()
  const either = signal ? AbortSignal.any([over.signal, signal]) : over.signal
  const nothing = () => undefined
  try {
    return await Promise.race([work, clock.sleep(ms, either).then(nothing, nothing)])
  } finally {
    over.abort()
  }
}
