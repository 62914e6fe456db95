import { LmrunError } from '../errors.ts'

/**
 * Why a VM could not be had or was lost, and whether the same thing may go well the next time.
 * A retry costs money: only what is known to pass is retried.
 */
export const FAILURES = {
  capacity: { retry: true, words: 'the cloud has no such machine to give at the moment' },
  preemption: { retry: true, words: 'the spot VM was taken back' },
  network: { retry: true, words: 'the network failed' },
  lost: { retry: true, words: 'it is gone, and this run did not end it' },
  quota: { retry: false, words: "the account's quota does not allow it" },
  authentication: { retry: false, words: 'the cloud refused the credentials' },
  setup: { retry: false, words: 'its setup failed' },
  memory: { retry: false, words: 'it ran out of memory' },
  flag: { retry: false, words: 'it was given an option or a resource that does not exist' },
  budget: { retry: false, words: 'it costs more than max-hourly-cost' },
  unknown: { retry: false, words: 'for a reason that lmrun does not know' },
} as const satisfies Record<string, { retry: boolean; words: string }>

export type FailureKind = keyof typeof FAILURES

/** A VM could not be launched. Whatever there is of it is still to be ended. */
export class LaunchFailed extends LmrunError {
  override readonly name = 'LaunchFailed'
  readonly kind: FailureKind
  /** The end of what the launch printed. */
  readonly log: readonly string[]

  constructor(
    vm: string,
    kind: FailureKind,
    { log, cause, hint }: { log: readonly string[]; cause?: unknown; hint?: string },
  ) {
    super(`${vm} could not be launched: ${FAILURES[kind].words}`, {
      ...(cause === undefined ? {} : { cause }),
      ...(hint === undefined ? {} : { hint }),
    })
    this.kind = kind
    this.log = log
  }
}

/** A VM that was up is gone or does not answer any more, with all that was on it. */
export class VmLost extends LmrunError {
  override readonly name = 'VmLost'
  readonly vm: string
  readonly kind: 'preemption' | 'lost'

  constructor(vm: string, kind: 'preemption' | 'lost', cause?: unknown, hint?: string) {
    super(`${vm} was lost: ${FAILURES[kind].words}`, {
      ...(cause === undefined ? {} : { cause }),
      ...(hint === undefined ? {} : { hint }),
    })
    this.vm = vm
    this.kind = kind
  }
}

/** What went wrong, when it is one of ours: null for anything else. */
export function failureKind(error: unknown): FailureKind | null {
  return error instanceof LaunchFailed || error instanceof VmLost ? error.kind : null
}
