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

/** What the work gives, or the signal's reason as soon as that aborts; then nobody hears of the work. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
