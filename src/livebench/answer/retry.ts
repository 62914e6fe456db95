import { setTimeout as sleep } from 'node:timers/promises'
import pRetry, { type RetryContext } from 'p-retry'
import { RequestFailure } from './failure.ts'

/** How often a request is tried. */
export interface Persistence {
  /** Tries after the first. */
  readonly retries: number
  /** Milliseconds before the second try; doubles from there, each stretched by up to two at random. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** A server that asks for a longer wait than this is not waited for. */
  readonly maxRetryAfterMs: number
}

interface RetryOptions {
  readonly persistence: Persistence
  readonly signal: AbortSignal
  readonly onRetry: (failure: RequestFailure) => void
}

/** Tries a request again while its failures say that the next attempt may succeed. */
export function withRetries<T>(
  request: (attempt: number) => Promise<T>,
  { persistence, signal, onRetry }: RetryOptions,
): Promise<T> {
  const again = (error: Error): error is RequestFailure =>
    error instanceof RequestFailure &&
    error.details.scope === 'attempt' &&
    (error.details.retryAfterMs ?? 0) <= persistence.maxRetryAfterMs

  const wait = async ({ error, retryDelay, retriesLeft }: RetryContext) => {
    if (!again(error) || error.details.stale || retriesLeft === 0) return
    onRetry(error)
    const { retryAfterMs = 0 } = error.details
    if (retryAfterMs > retryDelay) await sleep(retryAfterMs - retryDelay, undefined, { signal })
  }

  return pRetry(request, {
    signal,
    retries: persistence.retries,
    minTimeout: persistence.backoffMs,
    maxTimeout: persistence.maxBackoffMs,
    randomize: true,
    shouldConsumeRetry: ({ error }) => !(error instanceof RequestFailure && error.details.stale),
    shouldRetry: ({ error }) => again(error),
    onFailedAttempt: wait,
  })
}
