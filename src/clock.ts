import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Time, where a run waits for minutes: the system's in production, a virtual one in tests and in bench/timeline,
 * which live through hours in milliseconds. What only waits for this machine (a child, a socket) uses timers itself.
 */
export interface Clock {
  /** Unix time in milliseconds. */
  now(): number
  /** Rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** A signal that aborts with a TimeoutError after `ms`; it keeps no process alive. */
  timeout(ms: number): AbortSignal
  /** Calls `work` each `ms` until disposed. */
  every(ms: number, work: () => void): Disposable
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    signal?.throwIfAborted()
    try {
      await sleep(ms, undefined, signal ? { signal } : {})
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
  timeout: ms => AbortSignal.timeout(ms),
  every: (ms, work) => {
    const timer = setInterval(work, ms)
    return { [Symbol.dispose]: () => clearInterval(timer) }
  },
}
