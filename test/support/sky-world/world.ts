import { ApiServer } from './api-server.ts'
import type { VirtualClock } from './clock.ts'
import { type Durations, MEASURED } from './durations.ts'
import { Identity } from './identity.ts'
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
  /** Seconds by which a command of `sky` starts later: the machine is busy. */
  readonly slowStart?: (random: Random) => number
  /** Seconds that a launch waits until a worker of the API server is free, or has loaded the clouds' catalogs. */
  readonly queue?: (random: Random) => number
}

export type Trouble =
  | 'capacity'
  | 'quota'
  | 'authentication'
  | 'budget'
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
  readonly identity: Identity
  /** What happened, in order: the same seed tells the same. */
  readonly story: string[] = []
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
    this.identity = new Identity(clock)
    this.api = new ApiServer(this)
  }

  tell(text: string): void {
    this.story.push(`${this.clock.now()} ${text}`)
  }

  /** Seconds. */
  slowness(): number {
    return this.faults.slowStart?.(this.random) ?? 0
  }

  /** The runner is gone, with all that runs on it. The cloud goes on. */
  loseRunner(): void {
    this.tell('the runner is lost')
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
    this.tell(`${what.name} is created`)
    const machine = new Machine({
      clock: this.clock,
      tell: text => this.tell(text),
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
