import type { Clock } from '../../../src/clock.ts'
import type { VirtualClock } from './clock.ts'
import type { Ender } from './ledger.ts'

/** The machine that a run goes on: what hangs on it ends with it. */
export class Runner {
  alive = true
  /** It reaches the internet: the cloud's API and its VMs. */
  online = true
  /** Commands of `sky` that still run, whoever started them. */
  readonly children = new Set<Child>()

  /** What post does first: commands that a killed process left behind are ended. */
  endChildren(): void {
    for (const child of this.children) child.ended = true
    this.children.clear()
  }
}

export interface Child {
  ended: boolean
}

/** A process on the runner: after its death nothing that it waited for comes back, and its timers are gone. */
export class Process {
  readonly runner: Runner
  /** Whom the ledger names for VMs that this process has ended. */
  readonly ender: Ender
  readonly clock: Clock
  #dead = false

  constructor(runner: Runner, ender: Ender, clock: VirtualClock) {
    this.runner = runner
    this.ender = ender
    this.clock = {
      now: () => clock.now(),
      sleep: (ms, signal) => this.live(clock.sleep(ms, signal)),
      timeout: ms => {
        const controller = new AbortController()
        const error = new DOMException('The operation timed out.', 'TimeoutError')
        clock.after(ms, () => this.alive && controller.abort(error))
        return controller.signal
      },
      every: (ms, work) => clock.every(ms, () => this.alive && work()),
    }
  }

  get alive(): boolean {
    return !this.#dead && this.runner.alive
  }

  /** SIGKILL: nothing is tidied up. */
  kill(): void {
    this.#dead = true
  }

  /** What a living process gets to see of `work`; one that has died never does. */
  live<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        value => this.alive && resolve(value),
        error => this.alive && reject(error),
      )
    })
  }
}
