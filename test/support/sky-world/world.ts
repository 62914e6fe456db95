import { ApiServer } from './api-server.ts'
import type { VirtualClock } from './clock.ts'
import { type Durations, MEASURED } from './durations.ts'
import { Ledger } from './ledger.ts'
import { Machine } from './machine.ts'
import { Random } from './random.ts'
import { Runner } from './runner.ts'
import type { Work } from './work.ts'

export interface WorldOptions {
  readonly clock: VirtualClock
  readonly seed: number
  readonly work: Work
  readonly durations?: Durations
  /** How much each duration may differ, as a share of it. */
  readonly jitter?: number
  readonly faults?: Faults
  /** The API server is somewhere else, and goes on when the runner is gone. */
  readonly sharedServer?: boolean
}

/** What the cloud and SkyPilot do wrong, decided anew each time that they are asked. */
export interface Faults {
  /** What a command of `sky` runs into; null: nothing. */
  readonly command?: (command: string, name: string, random: Random) => Trouble | null
  /** The VM's skylet will not end it. */
  readonly brokenLease?: (name: string, random: Random) => boolean
}

export type Trouble =
  | 'capacity'
  | 'quota'
  | 'authentication'
  | 'network'
  | 'locked'
  | 'garbage'
  | 'hang'
  /** Of a launch: the machine is there, and SkyPilot fails before it has armed anything. */
  | 'arm'

/** A cloud, SkyPilot's API server in front of it, and the runner that asks it: on virtual time, with a ledger. */
export class SkyWorld {
  readonly clock: VirtualClock
  readonly work: Work
  readonly durations: Durations
  readonly faults: Faults
  readonly random: Random
  readonly ledger = new Ledger()
  readonly runner = new Runner()
  readonly api: ApiServer
  readonly shared: boolean
  /** Unix milliseconds. */
  credentialsUntil = Number.POSITIVE_INFINITY
  readonly #machines = new Set<Machine>()
  readonly #jitter: number

  constructor({
    clock,
    seed,
    work,
    durations = MEASURED,
    jitter = 0,
    faults = {},
    sharedServer = false,
  }: WorldOptions) {
    this.clock = clock
    this.work = work
    this.durations = durations
    this.faults = faults
    this.random = new Random(seed)
    this.#jitter = jitter
    this.shared = sharedServer
    this.api = new ApiServer(this)
  }

  /** The runner is gone, with all that runs on it. The cloud goes on. */
  loseRunner(): void {
    this.runner.alive = false
  }

  machine(name: string): Machine | undefined {
    return this.machines().find(machine => machine.name === name)
  }

  /** What the cloud itself lists. */
  machines(): Machine[] {
    return [...this.#machines].filter(machine => !machine.gone.aborted)
  }

  create(what: {
    name: string
    gpu: boolean
    spot: boolean
    labels: Readonly<Record<string, string>>
  }): Machine {
    const machine = new Machine({
      clock: this.clock,
      entry: this.ledger.open({ ...what, billedFrom: this.clock.now() }),
      tick: this.durations.tick,
      canEndItself: !this.faults.brokenLease?.(what.name, this.random),
    })
    this.#machines.add(machine)
    return machine
  }

  /** Milliseconds of a duration, more or less. */
  ms(seconds: number): number {
    return seconds * 1000 * (1 + this.#jitter * (2 * this.random.next() - 1))
  }
}
