import { LmrunError } from './errors.ts'
import { FAILURES, failureKind } from './fleet/failures.ts'
import type { Job, LaunchRequest } from './fleet/fleet.ts'
import type { VmRole } from './fleet/run-vms.ts'
import { NO_PAST, nextTry, past, pauseMs } from './recovery.ts'
import type { RunParts } from './run-context.ts'

export interface Tried {
  /** The model key, or `client`. */
  readonly subject: string
  readonly role: VmRole
  readonly request: LaunchRequest
}

const WORDS = { again: 'launched again', 'on-demand': 'launched again, on demand' } as const

/** The tries to have one VM: as many as its failures and `retries` allow, never two of one name. */
export class Tries {
  readonly #tried: Tried
  readonly #context: RunParts
  #request: LaunchRequest
  #past = NO_PAST

  constructor(tried: Tried, context: RunParts) {
    this.#tried = tried
    this.#context = context
    this.#request = tried.request
  }

  launch(): Promise<Job> {
    const { vms, signal } = this.#context
    return vms.launch(this.#request, this.#tried.role, signal)
  }

  /**
   * Resolves when the VM may be launched once more, after what there was of it is gone.
   * Rejects with the error when another try would not help, or must not be.
   */
  async recover(error: unknown): Promise<void> {
    const { story, retries, inputs, clock, signal } = this.#context
    const { subject } = this.#tried
    const { name } = this.#request
    const kind = failureKind(error)
    if (kind === null || signal.aborted) throw error
    const next = nextTry(kind, this.#past, inputs.options.retries)
    if (FAILURES[kind].retry) {
      const [reason = ''] = (error as Error).message.split('\n')
      retries.push({ subject, vm: name, at: clock.now(), kind, reason, next })
    }
    if (next === 'given-up') throw error
    await this.#clear(error)
    story.tell(`${name} is ${WORDS[next]}: ${FAILURES[kind].words}`)
    await clock.sleep(pauseMs(kind, this.#past), signal)
    this.#past = past(this.#past, kind)
    if (next === 'on-demand') this.#request = onDemand(this.#request)
  }

  async #clear(cause: unknown): Promise<void> {
    const { vms } = this.#context
    const { name } = this.#request
    await vms.end(name)
    if (vms.isGone(name)) return
    throw new LmrunError(`${name} is not launched again: the one before was not seen to be gone`, { cause })
  }
}

function onDemand(request: LaunchRequest): LaunchRequest {
  return { ...request, resources: { ...request.resources, spot: false } }
}
