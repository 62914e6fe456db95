import type { SavedVm } from '../../src/fleet/run-vms.ts'
import { repositoryLabel } from '../../src/labels.ts'
import type { RunState } from '../../src/sweep/decide.ts'
import { VirtualClock } from '../support/sky-world/clock.ts'
import type { LedgerEntry } from '../support/sky-world/ledger.ts'
import { Random } from '../support/sky-world/random.ts'
import { REPOSITORY, RUN_ID, worldBench, worldFleet } from '../support/sky-world/run.ts'
import { Process } from '../support/sky-world/runner.ts'
import { SkyWorld, type Trouble } from '../support/sky-world/world.ts'
import type { Schedule } from './schedule.ts'
import { sweeper } from './sweeper.ts'

export const LEASE_MINUTES = 10
/** The sweeper's workflow is scheduled so often. */
export const SWEEP_MINUTES = 15

const WORK = { setupServer: 30, setupClient: 20, load: 40, answer: 90, grade: 40, questions: 9 }
/** Of the action: it gives up waiting so long after a cancel. */
const CANCEL_GRACE_MS = 4000
/** Until the runner has started post. */
const POST_STARTS_MS = 1000
/** After a cancel GitHub ends all that still goes on. */
const SERVER_ENDS_ALL_MS = 5 * 60_000

/** How a VM was protected when its run was over. */
export interface Orphan {
  readonly entry: LedgerEntry
  /** `lease`: in force, and it works; `shutdown`: armed; `none`: only who knows its name or its labels can end it. */
  readonly protection: 'lease' | 'shutdown' | 'none'
}

/** How a run's life went. Times are Unix milliseconds. */
export interface Life {
  readonly schedule: Schedule
  readonly entries: readonly LedgerEntry[]
  /** VMs that were there when main was over; those that came later are not among them. */
  readonly orphans: readonly Orphan[]
  /** When main was over: it ended, was killed, or its machine was lost. */
  readonly overAt: number
  readonly cancelledAt: number | null
  /** When post began; null: there was none. */
  readonly postAt: number | null
  /** Post could reach the cloud, with credentials, as long as it ran. */
  readonly postCould: boolean
  /** A VM of another run, which goes on. */
  readonly other: LedgerEntry
}

/** Lives through a schedule: the real story of a run, its post step, and all that comes after. */
export async function live(schedule: Schedule, folder: string): Promise<Life> {
  const clock = new VirtualClock()
  const world = createWorld(schedule, clock)
  const other = world.create({
    name: 'client-other',
    gpu: false,
    spot: false,
    labels: otherLabels(clock.now()),
  })
  const story = new RunStory(world, schedule, folder)
  using _sweeper = sweeper(world, {
    minutes: SWEEP_MINUTES,
    repository: REPOSITORY,
    stateOf: run => story.stateOf(run),
  })
  const ending = await clock.run(story.main())
  const orphans = orphansOf(world, other.entry)
  const post = await clock.run(story.post())
  world.loseRunner()
  story.endJob()
  // The longest of all bounds, and more.
  await clock.pass((2 * LEASE_MINUTES + 3 * SWEEP_MINUTES + 30) * 60_000)
  const entries = world.ledger.entries.filter(entry => entry !== other.entry)
  return { schedule, entries, orphans, ...ending, ...post, other: other.entry }
}

function createWorld(schedule: Schedule, clock: VirtualClock): SkyWorld {
  const troubles: readonly Trouble[] = ['capacity', 'network', 'locked', 'garbage', 'arm', 'hang']
  let locked = schedule.lockedDowns
  return new SkyWorld({
    clock,
    seed: schedule.seed,
    work: WORK,
    jitter: 0.3,
    sharedServer: schedule.sharedServer,
    faults: {
      command: (command, _, random) => {
        if (command === 'down' && locked-- > 0) return 'locked'
        if (!random.chance(schedule.failures)) return null
        const trouble = random.pick(troubles)
        return trouble === 'arm' && command !== 'launch' ? 'locked' : trouble
      },
      brokenLease: (_, random) => random.chance(schedule.brokenLeases),
    },
  })
}

function otherLabels(now: number): Record<string, string> {
  return {
    'lmrun-run': '999',
    'lmrun-attempt': '1',
    'lmrun-repository': repositoryLabel(REPOSITORY),
    'lmrun-expiry': String(Math.ceil(now / 1000) + 24 * 3600),
    'lmrun-ending': 'down',
  }
}

function orphansOf(world: SkyWorld, other: LedgerEntry): Orphan[] {
  return world
    .machines()
    .filter(({ entry }) => entry !== other)
    .map(machine => ({ entry: machine.entry, protection: machine.protection }))
}

/** One run on one runner: main, then post. */
class RunStory {
  #jobEndedAt: number | null = null
  #saved: readonly SavedVm[] = []
  #cancelledAt: number | null = null
  #happened = false
  readonly #random: Random
  readonly #main: Process
  readonly #cancel = new AbortController()
  readonly #over = Promise.withResolvers<void>()
  readonly #world: SkyWorld
  readonly #schedule: Schedule
  readonly #folder: string

  constructor(world: SkyWorld, schedule: Schedule, folder: string) {
    this.#world = world
    this.#schedule = schedule
    this.#folder = folder
    this.#random = new Random(schedule.seed + 1)
    this.#main = new Process(world.runner, 'finally', world.clock)
  }

  /** GitHub calls the workflow run completed. */
  endJob(): void {
    this.#jobEndedAt ??= this.#world.clock.now()
  }

  /** As GitHub says it; the other run goes on. */
  stateOf(run: string): RunState {
    if (run !== RUN_ID || this.#jobEndedAt === null) return { state: 'live' }
    return { state: 'over', endedAt: this.#jobEndedAt }
  }

  async main(): Promise<Pick<Life, 'overAt' | 'cancelledAt'>> {
    const { moment } = this.#schedule
    const { clock } = this.#world
    if ('seconds' in moment) clock.after(moment.seconds * 1000, () => this.#happen())
    const results = worldBench({
      world: this.#world,
      process: this.#main,
      folder: this.#folder,
      models: ['a', 'b'],
      options: { 'max-minutes': 40, 'lease-minutes': LEASE_MINUTES, spot: true },
      signal: this.#cancel.signal,
      onPhase: (_, phase, edge) => {
        if ('phase' in moment && moment.phase === phase && moment.edge === edge) this.#happen()
      },
      saveVms: vms => {
        if (this.#main.alive) this.#saved = vms
      },
    })
    results.then(({ run, failure, models }) => {
      // A run that launches nothing would prove nothing.
      if (this.#schedule.event !== 'nothing' || run.status === 'completed') return this.#over.resolve()
      this.#over.reject(
        new Error(`nothing happened, and the run failed: ${JSON.stringify([failure, models])}`),
      )
    }, this.#over.reject)
    await this.#over.promise
    this.#main.kill()
    return { overAt: clock.now(), cancelledAt: this.#cancelledAt }
  }

  /** As the action's post step: commands that main left are ended, then every VM of the saved state. */
  async post(): Promise<Pick<Life, 'postAt' | 'postCould'>> {
    const { clock, runner } = this.#world
    if (!runner.alive) {
      this.endJob()
      return { postAt: null, postCould: false }
    }
    await clock.sleep(POST_STARTS_MS)
    const postAt = clock.now()
    const process = new Process(runner, 'post', clock)
    runner.endChildren()
    const fleet = worldFleet(this.#world, process, `${this.#folder}/fleet`)
    const names = this.#saved.filter(vm => vm.ending === 'down').map(vm => vm.name)
    const could = () => (this.#world.shared || runner.online) && clock.now() < this.#world.credentialsUntil
    const before = could()
    const deadline = (this.#cancelledAt ?? clock.now()) + SERVER_ENDS_ALL_MS
    await Promise.race([fleet.down(names), clock.sleep(deadline - clock.now())])
    process.kill()
    return { postAt, postCould: before && could() && this.#schedule.failures === 0 }
  }

  #happen(): void {
    if (this.#happened) return
    this.#happened = true
    const { event, also } = this.#schedule
    this.#do(event)
    if (also) this.#world.clock.after(this.#random.between(0, 60_000), () => this.#do(also))
  }

  #do(event: Schedule['event']): void {
    const world = this.#world
    const machines = world.machines().filter(machine => machine.name !== 'client-other')
    if (event === 'cancel' || event === 'cancel, locked') this.#cancelMain(CANCEL_GRACE_MS)
    if (event === 'double cancel') this.#cancelMain(this.#random.between(0, CANCEL_GRACE_MS))
    if (event === 'SIGKILL') this.#end()
    if (event === 'runner lost') {
      world.loseRunner()
      this.#over.resolve()
    }
    if (event === 'VM lost' && machines.length > 0) this.#random.pick(machines).end('cloud')
    if (event === 'network lost') this.#cutNetwork()
    if (event === 'credentials expired') world.credentialsUntil = world.clock.now()
  }

  /** SIGINT; main exits within its grace, whatever it still waits for. */
  #cancelMain(graceMs: number): void {
    this.#cancelledAt ??= this.#world.clock.now()
    this.#cancel.abort(new DOMException('cancelled', 'AbortError'))
    this.#world.clock.after(graceMs, () => this.#end())
  }

  #end(): void {
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
