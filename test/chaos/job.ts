import path from 'node:path'
import { runAction } from '../../src/action.ts'
import { Cancellation } from '../../src/cancel.ts'
import { cleanUp } from '../../src/clean-up.ts'
import type { Env } from '../../src/env.ts'
import { explain } from '../../src/errors.ts'
import type { SavedVm } from '../../src/fleet/run-vms.ts'
import type { Results } from '../../src/report/results.ts'
import type { RunState } from '../../src/sweep/decide.ts'
import type { Ender } from '../support/sky-world/ledger.ts'
import { Random } from '../support/sky-world/random.ts'
import { RUN_ID, worldDeps, worldEnv } from '../support/sky-world/run.ts'
import { Process } from '../support/sky-world/runner.ts'
import type { SkyWorld } from '../support/sky-world/world.ts'
import type { Schedule } from './schedule.ts'

/** The runner's ladder: SIGINT, SIGTERM, SIGKILL. */
const TO_SIGTERM_MS = 7500
const TO_SIGKILL_MS = 2500
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
  readonly #random: Random
  readonly #env: Env
  readonly #main: Process
  readonly #cancel = new Cancellation()
  readonly #over = Promise.withResolvers<void>()
  readonly #state = new Map<string, string>()
  readonly #savedAt = new Map<string, number>()
  readonly #claims: Claim[] = []
  #happened = false
  #jobEndedAt: number | null = null
  readonly #startedAt: number
  #end: Omit<JobEnd, 'claims' | 'savedAt' | 'kept'> = {
    ...{ overAt: 0, cancelledAt: null, killedByLadder: false, commandsLeft: 0, published: null },
    ...{ postAt: null, postEndedAt: null, postFailure: null, postCould: false },
  }

  constructor(world: SkyWorld, schedule: Schedule, folder: string) {
    this.#world = world
    this.#startedAt = world.clock.now()
    this.#schedule = schedule
    this.#random = new Random(schedule.seed + 1)
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
  }

  get end(): JobEnd {
    const kept = new Set(this.#saved.filter(vm => vm.ending === 'keep').map(vm => vm.name))
    return { ...this.#end, claims: this.#claims, savedAt: this.#savedAt, kept }
  }

  /** As GitHub says it; the other run goes on. */
  stateOf(run: string): RunState {
    const silent = this.#schedule.silentGitHub && this.#world.clock.now() < this.#startedAt + SILENT_MS
    if (silent) return { state: 'unknown', reason: 'it is down' }
    if (run !== RUN_ID || this.#jobEndedAt === null) return { state: 'live' }
    return { state: 'over', endedAt: this.#jobEndedAt }
  }

  async main(): Promise<void> {
    const { moment, event } = this.#schedule
    const { clock } = this.#world
    if ('seconds' in moment) clock.after(moment.seconds * 1000, () => this.#happen())
    const step = runAction(
      this.#cancel,
      this.#deps(this.#main, this.#env, line => this.#hear(line)),
    )
    const exit = () => {
      const { published } = this.#end
      // A run that launches nothing would prove nothing.
      if (event !== 'nothing' || published?.run.status === 'completed') this.#exit()
      else this.#over.reject(new Error(`nothing happened, and it failed: ${JSON.stringify(published)}`))
    }
    step.then(exit, exit)
    await this.#over.promise
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
      const deadline = (this.#end.cancelledAt ?? clock.now()) + SERVER_ENDS_ALL_MS
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

  /** Main's log tells when phases begin and end. */
  #hear(line: string): void {
    const { moment } = this.#schedule
    const [, phase, mark] = /^\S+: (\w+) (…|done|failed)/.exec(line) ?? []
    const edge = mark === '…' ? 'begin' : 'end'
    if ('phase' in moment && moment.phase === phase && moment.edge === edge) this.#happen()
  }

  #claim(line: string, by: Ender): void {
    const [, name] = /^(\S+): gone$/.exec(line) ?? []
    if (name) this.#claims.push({ name, by, at: this.#world.clock.now() })
  }

  /** Main ends by itself, with `process.exit`. */
  #exit(): void {
    if (!this.#main.alive) return
    const commandsLeft = this.#main.children.size
    this.#end = { ...this.#end, commandsLeft }
    this.#over.resolve()
  }

  #happen(): void {
    if (this.#happened) return
    this.#happened = true
    const { event, also, delay } = this.#schedule
    const { clock } = this.#world
    clock.after(delay * 1000, () => {
      this.#do(event)
      if (also) clock.after(this.#random.between(0, 60_000), () => this.#do(also))
    })
  }

  #do(event: Schedule['event']): void {
    const world = this.#world
    world.tell(`it happens: ${event}`)
    const machines = world.machines().filter(machine => machine.name !== 'client-other')
    if (event === 'cancel' || event === 'cancel, locked') this.#interrupt()
    if (event === 'double cancel') {
      this.#interrupt()
      world.clock.after(this.#random.between(0, 4000), () => this.#kill())
    }
    if (event === 'SIGTERM') this.#terminate()
    if (event === 'SIGKILL') this.#kill()
    if (event === 'runner lost') {
      world.loseRunner()
      this.#over.resolve()
    }
    if (event === 'VM lost' && machines.length > 0) this.#random.pick(machines).end('cloud')
    if (event === 'network lost') this.#cutNetwork()
    if (event === 'credentials expired') {
      world.identity.revoke()
      world.identity.refused = this.#random.chance(0.2)
    }
  }

  #interrupt(): void {
    if (!this.#main.alive) return
    this.#end = { ...this.#end, cancelledAt: this.#end.cancelledAt ?? this.#world.clock.now() }
    this.#cancel.by('SIGINT')
    this.#world.clock.after(TO_SIGTERM_MS, () => this.#terminate())
  }

  #terminate(): void {
    if (!this.#main.alive) return
    this.#end = { ...this.#end, cancelledAt: this.#end.cancelledAt ?? this.#world.clock.now() }
    this.#cancel.by('SIGTERM')
    this.#world.clock.after(TO_SIGKILL_MS, () => {
      if (!this.#main.alive) return
      this.#end = { ...this.#end, killedByLadder: true }
      this.#kill()
    })
  }

  #kill(): void {
    if (!this.#main.alive) return
    this.#main.kill()
    this.#over.resolve()
  }

  #cutNetwork(): void {
    const { runner, clock } = this.#world
    runner.online = false
    clock.after(this.#schedule.outage * 1000, () => {
      runner.online = true
    })
  }
}
