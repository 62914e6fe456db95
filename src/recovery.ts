import { FAILURES, type FailureKind } from './fleet/failures.ts'

/** What is made of a VM that could not be had or was lost. */
export type Next = 'again' | 'on-demand' | 'given-up'

/** What has become of one VM's earlier tries. */
export interface Past {
  /** How often it was launched again. */
  readonly retries: number
  /** How often a spot VM of it was taken back. */
  readonly preemptions: number
}

export const NO_PAST: Past = { retries: 0, preemptions: 0 }

/** A spot VM that was taken back so often, this time included, goes on as one that nobody takes back. */
const PREEMPTIONS = 2

/** Whether the same thing may go well the next time. `limit`: the option `retries`. */
export function nextTry(kind: FailureKind, { retries, preemptions }: Past, limit: number): Next {
  if (!FAILURES[kind].retry || retries >= limit) return 'given-up'
  return kind === 'preemption' && preemptions + 1 >= PREEMPTIONS ? 'on-demand' : 'again'
}

export function past({ retries, preemptions }: Past, kind: FailureKind): Past {
  return { retries: retries + 1, preemptions: preemptions + (kind === 'preemption' ? 1 : 0) }
}

const PAUSE_MS: Partial<Record<FailureKind, number>> = { capacity: 30_000, network: 5_000 }

/** Milliseconds before the next try: what is short at the moment is short for a while, and longer each time. */
export function pauseMs(kind: FailureKind, { retries }: Past): number {
  return (PAUSE_MS[kind] ?? 0) * 2 ** retries
}
