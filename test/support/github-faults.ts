/** How the GitHub stand-in fails, by a list. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { GitHubState, Reply } from './github-state.ts'

/** What happens to a request that a fault matches. */
export type FaultAction =
  /** Does the work, then cuts the connection. */
  | { readonly kind: 'lose-reply' }
  /** Cuts the connection, nothing done. */
  | { readonly kind: 'drop' }
  | {
      readonly kind: 'status'
      readonly status: number
      readonly message?: string
      readonly retryAfter?: number
    }
  | { readonly kind: 'secondary-limit'; readonly status: 403 | 429; readonly retryAfter?: number }
  | { readonly kind: 'slow'; readonly ms: number }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Holds the replies until so many requests have been worked on: they all see the same past. */
  | { readonly kind: 'barrier'; readonly parties: number }
  /** Deletes the newest comment of the repository first, as a rival would. */
  | { readonly kind: 'delete-first' }

/** Matches the `from`-th (1 when absent) to the `from + times − 1`-th (1; 0 = all) request of method and path. */
export interface Fault {
  readonly method: string
  /** A regular expression for the path without its query. */
  readonly path: string
  readonly from?: number
  readonly times?: number
  readonly action: FaultAction
}

export interface FullReply extends Reply {
  readonly headers?: Readonly<Record<string, string>>
}

interface Work {
  readonly work: () => Reply
  readonly state: GitHubState
}

export class FaultList {
  readonly faults: Fault[]
  readonly #seen = new Map<Fault, number>()
  readonly #held = new Map<Fault, (() => void)[]>()

  constructor(faults: Fault[]) {
    this.faults = faults
  }

  async apply(method: string, path: string, work: Work): Promise<FullReply | 'hang' | 'cut'> {
    const fault = this.#match(method, path)
    return fault === undefined ? work.work() : this.#act(fault, work)
  }

  /** Every fault counts the requests of its kind; the first that is due acts. */
  #match(method: string, path: string): Fault | undefined {
    const due = this.faults.filter(fault => {
      if (fault.method !== method || !new RegExp(fault.path).test(path)) return false
      const seen = (this.#seen.get(fault) ?? 0) + 1
      this.#seen.set(fault, seen)
      const { from = 1, times = 1 } = fault
      return seen >= from && (times === 0 || seen < from + times)
    })
    return due[0]
  }

  async #act(fault: Fault, { work, state }: Work): Promise<FullReply | 'hang' | 'cut'> {
    const { action } = fault
    if (action.kind === 'hang') return 'hang'
    if (action.kind === 'drop') return 'cut'
    if (action.kind === 'status') return refusal(action)
    if (action.kind === 'secondary-limit') return secondaryLimit(action)
    if (action.kind === 'slow') await sleep(action.ms)
    if (action.kind === 'delete-first') state.deleteNewestComment()
    const reply = work()
    if (action.kind === 'barrier') await this.#meet(fault, action.parties)
    return action.kind === 'lose-reply' ? 'cut' : reply
  }

  async #meet(fault: Fault, parties: number): Promise<void> {
    const held = this.#held.get(fault) ?? []
    this.#held.set(fault, held)
    const { promise, resolve } = Promise.withResolvers<void>()
    held.push(resolve)
    if (held.length >= parties) for (const release of held.splice(0)) release()
    await promise
  }
}

function refusal({
  status,
  message = 'Server Error',
  retryAfter,
}: Extract<FaultAction, { kind: 'status' }>): FullReply {
  return { status, body: { message }, headers: retryAfterHeader(retryAfter) }
}

function secondaryLimit({
  status,
  retryAfter,
}: Extract<FaultAction, { kind: 'secondary-limit' }>): FullReply {
  const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
  return { status, body: { message }, headers: retryAfterHeader(retryAfter) }
}

function retryAfterHeader(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) }
}
