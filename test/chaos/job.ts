import path from 'node:path'
import { runAction } from '../../src/action.ts'
import { cleanUp } from '../../src/clean-up.ts'
import type { Env } from '../../src/env.ts'
import { explain } from '../../src/errors.ts'
import type { SavedVm } from '../../src/fleet/run-vms.ts'
import type { Results } from '../../src/report/results.ts'
import type { RunState } from '../../src/sweep/decide.ts'
import type { Ender } from '../support/sky-world/ledger.ts'
import { RUN_ID, worldDeps, worldEnv } from '../support/sky-world/run.ts'
import { Process } from '../support/sky-world/runner.ts'
import type { SkyWorld } from '../support/sky-world/world.ts'
import { Mishaps } from './mishaps.ts'
import type { Schedule } from './schedule.ts'

/** Until the runner has started post. */
const POST_STARTS_MS = 1000
/** After a cancel GitHub ends all that still goes on. */
const SERVER_ENDS_ALL_MS = 5 * 60_000

/** GitHub, when it does not answer, comes back after all that must not wait for it. */
export const SILENT_MS = 100 * 60_000

/** Somebody said of a VM that it is gone. */
export interface Claim {
  readonly name: string
  readonly by: Ender
  readonly at: number
}

/** How the job of a run went. Times are Unix milliseconds. */
export interface JobEnd {
  /** When main was over: it ended, was killed, or its machine was lost. */
  readonly overAt: number
  readonly cancelledAt: number | null
  /** Main was asked to end, and had to be killed for it. */
  readonly killedByLadder: boolean
  /** Commands of main's that ran on after it had ended by itself. */
  readonly commandsLeft: number
  /** When post began; null: there was none. */
  readonly postAt: number | null
  /** When post had ended, and why it failed; null: it was ended, or succeeded. */
  readonly postEndedAt: number | null
  readonly postFailure: string | null
  /** Post could reach the cloud, with credentials, as long as it ran. */
  readonly postCould: boolean
  readonly claims: readonly Claim[]
  /** When each name was saved first. */
  readonly savedAt: ReadonlyMap<string, number>
  /** Names that are kept on purpose, as saved last. */
  readonly kept: ReadonlySet<string>
  /** What main or post has published last. */
  readonly published: Results | null
}

/** One job on one runner: main, then post. */
export class Job {
  readonly #world: SkyWorld
  readonly #schedule: Schedule
  readonly #env: Env
  readonly #main: Process
  readonly #mishaps: Mishaps
  readonly #state = new Map<string, string>()
  readonly #savedAt = new Map<string, number>()
  readonly #claims: Claim[] = []
  #jobEndedAt: number | null = null
  readonly #startedAt: number
  #end: Omit<JobEnd, 'claims' | 'savedAt' | 'kept' | 'cancelledAt' | 'killedByLadder'> = {
    ...{ overAt: 0, commandsLeft: 0, published: null },
    ...{ postAt: null, postEndedAt: null, postFailure: null, postCould: false },
  }

  constructor(world: SkyWorld, schedule: Schedule, folder: string) {
    this.#world = world
    this.#startedAt = world.clock.now()
    this.#schedule = schedule
    const identity = schedule.identity && !world.shared
    this.#env = worldEnv(world, folder, {
      'max-minutes': '40',
      'lease-minutes': String(schedule.leaseMinutes),
      spot: 'true',
      ...(schedule.reuse ? { reuse: 'true' } : {}),
      ...(identity ? { 'aws-role': 'arn:aws:iam::123456789012:role/lmrun' } : {}),
    })
    if (identity) {
      world.identity.tokenFile = path.join(this.#env.RUNNER_TEMP ?? '', 'lmrun-credentials', 'aws.token')
    }
    this.#main = new Process(world.runner, 'finally', world.clock)
    this.#mishaps = new Mishaps(world, this.#main, schedule)
  }

  get end(): JobEnd {
    const kept = new Set(this.#saved.filter(vm => vm.ending === 'keep').map(vm => vm.name))
    const { cancelledAt, killedByLadder } = this.#mishaps
    return {
      ...{ ...this.#end, cancelledAt, killedByLadder, kept },
      ...{ claims: this.#claims, savedAt: this.#savedAt },
    }
  }

  /** As GitHub says it; the other run goes on. */
  stateOf(run: string): RunState {
    const silent = this.#schedule.silentGitHub && this.#world.clock.now() < this.#startedAt + SILENT_MS
    if (silent) return { state: 'unknown', reason: 'it is down' }
    if (run !== RUN_ID || this.#jobEndedAt === null) return { state: 'live' }
    return { state: 'over', endedAt: this.#jobEndedAt }
  }

  async main(): Promise<void> {
    const { clock } = this.#world
    const deps = this.#deps(this.#main, this.#env, line => this.#mishaps.hear(line))
    const step = runAction(this.#mishaps.cancel, deps)
    const over = Promise.race([
      step.then(
        () => this.#exits(),
        () => this.#exits(),
      ),
      this.#mishaps.mainKilled,
    ])
    this.#mishaps.begin()
    await over
    this.#main.kill()
    this.#end = { ...this.#end, overAt: clock.now() }
    this.#world.tell('main is over')
  }

  /** Ended by GitHub some minutes after a cancel. */
  async post(): Promise<void> {
    const { clock, runner, identity } = this.#world
    if (runner.alive) {
      await clock.sleep(POST_STARTS_MS)
      const postAt = clock.now()
      const process = new Process(runner, 'post', clock)
      const state = [...this.#state].map(([name, value]) => [`STATE_${name}`, value])
      const env = { ...this.#env, ...Object.fromEntries(state) }
      const renewed = identity.tokenFile !== null && !identity.refused
      const began = runner.online && (renewed || identity.valid)
      const work = cleanUp(this.#deps(process, env, line => this.#claim(line, 'post'))).then(
        () => null,
        explain,
      )
      const ended = work.then(postFailure => {
        this.#end = { ...this.#end, postFailure, postEndedAt: clock.now() }
      })
      const deadline = (this.#mishaps.cancelledAt ?? clock.now()) + SERVER_ENDS_ALL_MS
      await Promise.race([ended, clock.sleep(deadline - clock.now())])
      process.kill()
      const { failures, slowStarts } = this.#schedule
      const could = began && runner.online && (renewed || identity.valid) && failures + slowStarts === 0
      this.#end = { ...this.#end, postAt, postCould: could }
    }
    this.#jobEndedAt = clock.now()
  }

  #deps(process: Process, env: Env, log: (line: string) => void) {
    const { clock } = this.#world
    return worldDeps(this.#world, process, {
      env,
      log,
      saveState: (name, value) => {
        this.#state.set(name, typeof value === 'string' ? value : JSON.stringify(value))
        for (const vm of this.#saved) {
          if (!this.#savedAt.has(vm.name)) this.#savedAt.set(vm.name, clock.now())
        }
      },
      publish: published => {
        this.#end = { ...this.#end, published }
        // Of a name that was launched again the last record counts.
        for (const { name, goneAt } of new Map(published.vms.map(vm => [vm.name, vm])).values()) {
          if (goneAt !== null) this.#claims.push({ name, by: process.ender, at: clock.now() })
        }
      },
    })
  }

  get #saved(): readonly SavedVm[] {
    return JSON.parse(this.#state.get('vms') ?? '[]')
  }

  #claim(line: string, by: Ender): void {
    const [, name] = /^(\S+): gone$/.exec(line) ?? []
    if (name) this.#claims.push({ name, by, at: this.#world.clock.now() })
  }

  /** By itself, with `process.exit`. */
  #exits(): void {
    if (!this.#main.alive) return
    this.#end = { ...this.#end, commandsLeft: this.#main.children.size }
    const { published } = this.#end
    // A run that launches nothing would prove nothing.
    if (this.#schedule.event === 'nothing' && published?.run.status !== 'completed') {
      throw new Error(`nothing happened, and it failed: ${JSON.stringify(published)}`)
    }
  }
}
