import type { JobState } from '../../../src/fleet/fleet.ts'
import type { VirtualClock } from './clock.ts'
import type { Ender, LedgerEntry } from './ledger.ts'

/** A job on a machine, as its own files there tell of it. */
export class MachineJob {
  readonly id: number
  state: JobState = { status: 'PENDING', exitCode: null }
  readonly log: string[] = []
  readonly submittedAt: number
  startedAt: number | null = null
  endedAt: number | null = null
  readonly #ended = Promise.withResolvers<JobState>()

  constructor(id: number, now: number) {
    this.id = id
    this.submittedAt = now
  }

  /** Settles when the job has ended; never when its machine goes first. */
  get ended(): Promise<JobState> {
    return this.#ended.promise
  }

  begin(status: 'SETTING_UP' | 'RUNNING', now: number): void {
    if (this.endedAt !== null) return
    if (status === 'RUNNING') this.startedAt = now
    this.state = { status, exitCode: null }
  }

  end(state: JobState, now: number): void {
    if (this.endedAt !== null) return
    this.endedAt = now
    this.state = state
    this.#ended.resolve(state)
  }
}

export interface MachineOptions {
  readonly clock: VirtualClock
  readonly entry: LedgerEntry
  readonly tell: (text: string) => void
  /** Seconds between two looks of its skylet. */
  readonly tick: number
  /** False: it cannot end itself when its lease is over (no credentials, a broken skylet). */
  readonly canEndItself: boolean
}

/** One machine of the cloud: there, and paid for, from its creation until somebody or something ends it. */
export class Machine {
  readonly entry: LedgerEntry
  readonly jobs = new Map<number, MachineJob>()
  /** Text files in its working folder. */
  readonly files = new Map<string, string>()
  /** What the run handed over, relative to the home. */
  readonly handed = new Map<string, string>()
  /** Its model server answers. */
  serves = false
  up = false
  #lease: { readonly ms: number; readonly since: number } | null = null
  #disarm: (() => void) | null = null
  readonly #options: MachineOptions
  readonly #over = new AbortController()
  readonly #skylet: Disposable

  constructor(options: MachineOptions) {
    this.#options = options
    this.entry = options.entry
    this.#skylet = options.clock.every(options.tick * 1000, () => this.#look())
  }

  get name(): string {
    return this.entry.name
  }

  /** Aborted when the machine is gone. */
  get gone(): AbortSignal {
    return this.#over.signal
  }

  setLease(minutes: number): void {
    this.#lease = { ms: minutes * 60_000, since: this.#options.clock.now() }
  }

  armShutdown(minutes: number): void {
    this.#disarm ??= this.#options.clock.after(minutes * 60_000, () => this.end('shutdown'))
  }

  disarmShutdown(): void {
    this.#disarm?.()
    this.#disarm = null
  }

  /**
   * What must end it if nobody does: its lease from the moment that its job is submitted, unless the machine is one
   * that cannot end itself; then the shutdown of its system, as long as that is armed.
   */
  get protection(): 'lease' | 'shutdown' | 'none' {
    if (this.jobs.has(1) && this.#options.canEndItself) return 'lease'
    return this.#disarm ? 'shutdown' : 'none'
  }

  end(by: Ender): void {
    if (this.gone.aborted) return
    this.entry.billedTo = this.#options.clock.now()
    this.entry.endedBy = by
    this.#options.tell(`${this.name} is ended by ${by}`)
    this.serves = false
    this.#skylet[Symbol.dispose]()
    this.disarmShutdown()
    this.#over.abort(new Error(`${this.name} is gone`))
  }

  job(id: number): MachineJob {
    const found = this.jobs.get(id)
    if (found) return found
    const job = new MachineJob(id, this.#options.clock.now())
    this.jobs.set(id, job)
    return job
  }

  #look(): void {
    const { clock, canEndItself } = this.#options
    if (!this.#lease || !canEndItself) return
    if (clock.now() - this.#lease.since >= this.#lease.ms) this.end('lease')
  }
}
