import type { Clock } from '../../clock.ts'
import { explain } from '../../errors.ts'
import { unlessAborted } from '../../waiting.ts'
import { KubeError } from './client.ts'

export interface ReconcilerOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

export interface Reconciler {
  /** Asks for `work`, once, however often it is asked for while it is at work. */
  poke(): void
  /** Works until the signal aborts; rejects with its reason, or with a final error. */
  run(): Promise<void>
}

/** Milliseconds between tries of what failed, doubling. */
const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 5000

/** Brings the world to what it should be, one pass at a time. What fails is told once, and tried again. */
export function createReconciler(work: () => Promise<void>, options: ReconcilerOptions): Reconciler {
  const { clock, signal, log } = options
  let asked = Promise.withResolvers<void>()
  const told = sayOnce(log)
  const run = async () => {
    let pause = FIRST_PAUSE_MS
    for (;;) {
      signal.throwIfAborted()
      await unlessAborted(asked.promise, signal)
      asked = Promise.withResolvers<void>()
      try {
        await work()
        pause = FIRST_PAUSE_MS
        told(null)
      } catch (error) {
        signal.throwIfAborted()
        if (isFinal(error)) throw error
        told(explain(error))
        asked.resolve()
        await clock.sleep(pause, signal)
        pause = Math.min(pause * 2, LAST_PAUSE_MS)
      }
    }
  }
  return { poke: () => asked.resolve(), run }
}

/** An identity that is not known (any more) is read anew by a new process. Forbidden may be a binding to come. */
export function isFinal(error: unknown): boolean {
  return error instanceof KubeError && error.status === 401
}

/** Says a line when it is another than the one before; null: all is well, and the next one is news. */
export function sayOnce(log: (line: string) => void): (line: string | null) => void {
  let last: string | null = null
  return line => {
    if (line !== null && line !== last) log(line)
    last = line
  }
}
