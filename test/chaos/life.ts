import { readOwner, repositoryLabel } from '../../src/labels.ts'
import { VirtualClock } from '../support/sky-world/clock.ts'
import type { LedgerEntry } from '../support/sky-world/ledger.ts'
import { REPOSITORY } from '../support/sky-world/run.ts'
import { SkyWorld, type Trouble } from '../support/sky-world/world.ts'
import { Job, type JobEnd } from './job.ts'
import type { Schedule } from './schedule.ts'
import { sweeper } from './sweeper.ts'

/** The sweeper's workflow is scheduled so often. */
export const SWEEP_MINUTES = 15
/** Where nobody else ends a VM the sweeper does, after the expiry of its labels at the latest. */
const PASSES_MINUTES = 120
/** Another run of the repository is live for so long. */
export const OTHER_MINUTES = 80

const WORK = { setupServer: 30, setupClient: 20, load: 40, answer: 90, grade: 40, questions: 9 }

/** How a VM was protected when its run was over. */
export interface Orphan {
  readonly entry: LedgerEntry
  /** `lease`: in force, and it works; `shutdown`: armed; `none`: only who knows its name or its labels can end it. */
  readonly protection: 'lease' | 'shutdown' | 'none'
}

/** How a run's life went. Times are Unix milliseconds. */
export interface Life extends JobEnd {
  readonly schedule: Schedule
  readonly entries: readonly LedgerEntry[]
  /** VMs that were there when main was over; those that came later are not among them. */
  readonly orphans: readonly Orphan[]
  /** A VM of another run, which ends it itself, later than all of this. */
  readonly other: LedgerEntry
  /** All that happened, in order. */
  readonly story: readonly string[]
}

/** Lives through a schedule: the action's real main and post step on one runner, and all that comes after. */
export async function live(schedule: Schedule, folder: string): Promise<Life> {
  const clock = new VirtualClock()
  const world = createWorld(schedule, clock)
  const other = world.create({
    name: 'client-other',
    gpu: false,
    spot: false,
    labels: otherLabels(clock.now()),
  })
  const otherEnds = clock.now() + OTHER_MINUTES * 60_000
  clock.after(OTHER_MINUTES * 60_000, () => other.end('other'))
  const job = new Job(world, schedule, folder)
  using _sweeper = sweeper(world, {
    minutes: SWEEP_MINUTES,
    repository: REPOSITORY,
    stateOf: run => job.stateOf(run),
    othersLive: () => clock.now() < otherEnds,
  })
  await clock.run(job.main())
  const orphans = world
    .machines()
    .filter(({ entry }) => entry !== other.entry)
    .map(machine => ({ entry: machine.entry, protection: machine.protection }))
  await clock.run(job.post())
  world.loseRunner()
  await clock.pass(PASSES_MINUTES * 60_000)
  const entries = world.ledger.entries.filter(entry => entry !== other.entry)
  return { schedule, entries, orphans, ...job.end, other: other.entry, story: world.story }
}

function createWorld(schedule: Schedule, clock: VirtualClock): SkyWorld {
  const { event, failures, refusal, slowStarts, queue, brokenLeases, sharedServer, seed } = schedule
  const troubles: readonly Trouble[] = ['capacity', 'network', 'locked', 'garbage', 'arm', 'hang']
  let { lockedDowns, hangingDowns } = schedule
  const isA = (name: string) => name.startsWith('a')
  return new SkyWorld({
    clock,
    seed,
    work: {
      ...WORK,
      setupFails: vm => event === 'setup fails' && isA(vm),
      serverDies: vm => (event === 'server dies' && isA(vm) ? WORK.load + WORK.answer / 2 : null),
    },
    jitter: 0.3,
    sharedServer,
    faults: {
      command: (command, name, random) => {
        if (command === 'down' && lockedDowns-- > 0) return 'locked'
        if (command === 'down' && hangingDowns-- > 0) return 'hang'
        if (refusal && command === 'launch' && name.startsWith(refusal.of)) return refusal.trouble
        if (!random.chance(failures)) return null
        const trouble = random.pick(troubles)
        return trouble === 'arm' && command !== 'launch' ? 'locked' : trouble
      },
      brokenLease: (_, random) => random.chance(brokenLeases),
      slowStart: random => (random.chance(slowStarts) ? random.between(5, 40) : 0),
      queue: random => (queue > 0 ? random.between(0, queue) : 0),
    },
  })
}

/** Of a run that goes on. */
function otherLabels(now: number): Record<string, string> {
  const labels = {
    'lmrun-run': '999',
    'lmrun-attempt': '1',
    'lmrun-repository': repositoryLabel(REPOSITORY),
    'lmrun-expiry': String(Math.ceil(now / 1000) + 24 * 3600),
    'lmrun-ending': 'down',
  }
  if (readOwner(labels) === null) throw new Error('these are not the labels of a run')
  return labels
}
