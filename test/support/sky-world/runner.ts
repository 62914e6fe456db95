import type { Clock } from '../../../src/clock.ts'
import type { ProcessTable } from '../../../src/fleet/sky/process-groups.ts'
import type { VirtualClock } from './clock.ts'
import type { Ender } from './ledger.ts'

/** One process as the machine lists it. */
interface Listed {
  /** As /proc says it: with the number it names one process for ever. */
  readonly started: string
  readonly onSignal: (signal: NodeJS.Signals) => void
}

/** The machine that a run goes on: what hangs on it ends with it. */
export class Runner {
  alive = true
  /** It reaches the internet: the cloud's API and its VMs. */
  online = true
  readonly #listed = new Map<number, Listed>()
  #count = 0

  /** @returns the process id */
  list(onSignal: Listed['onSignal']): { readonly pid: number; readonly started: string } {
    this.#count += 1
    const pid = 1000 + this.#count
    const started = `since-${this.#count}`
    this.#listed.set(pid, { started, onSignal })
    return { pid, started }
  }

  unlist(pid: number): void {
    this.#listed.delete(pid)
  }

  /** As a process sees it that waits on this clock. */
  table(clock: Clock): ProcessTable {
    return {
      clock,
      startOf: async pid => this.#listed.get(pid)?.started ?? null,
      exists: pid => this.#listed.has(pid),
      signalGroup: (pid, signal) => this.#listed.get(pid)?.onSignal(signal),
    }
  }
}

/** A process on the runner: after its death nothing that it waited for comes back, and its timers are gone. */
export class Process {
  readonly runner: Runner
  /** Whom the ledger names for VMs that this process has ended. */
  readonly ender: Ender
  readonly clock: Clock
  readonly pid: number
  /** Commands of `sky` that it started, and that run, whether it does or not. */
  readonly children = new Set<number>()
  #dead = false

  constructor(runner: Runner, ender: Ender, clock: VirtualClock) {
    this.runner = runner
    this.ender = ender
    this.pid = runner.list(() => this.kill()).pid
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

  /** SIGKILL, or its own exit: nothing is tidied up. */
  kill(): void {
    this.#dead = true
    this.runner.unlist(this.pid)
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
