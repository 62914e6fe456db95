import type { Phase } from '../../src/report/results.ts'
import { Random } from '../support/sky-world/random.ts'
import type { Trouble } from '../support/sky-world/world.ts'

/** What may happen to a run. */
export const EVENTS = [
  'nothing',
  'cancel',
  'double cancel',
  'cancel, locked',
  'SIGTERM',
  'SIGKILL',
  'runner lost',
  'VM lost',
  'network lost',
  'credentials expired',
  'API errors',
  'setup fails',
  'server dies',
  'launch refused',
  'sky hangs',
] as const
export type Event = (typeof EVENTS)[number]

/** When: at an edge of a phase, or after so many seconds. */
export type Moment =
  | { readonly phase: Phase['name']; readonly edge: 'begin' | 'end' }
  | { readonly seconds: number }

/** One story, from its seed alone. */
export interface Schedule {
  readonly seed: number
  readonly event: Event
  readonly moment: Moment
  /** So many seconds after the moment: commands take seconds to begin, and it matters what has begun. */
  readonly delay: number
  /** Something else soon after: what is unlikely, and happens. */
  readonly also: 'cancel' | 'SIGTERM' | 'SIGKILL' | 'runner lost' | null
  /** How often a command of `sky` fails, from 0 to 1. */
  readonly failures: number
  /** How often a VM cannot end itself. */
  readonly brokenLeases: number
  /** So many calls of `sky down` find the VM locked by another operation. */
  readonly lockedDowns: number
  /** So many calls of `sky down` never answer. */
  readonly hangingDowns: number
  /** What every launch of one of the VMs runs into; whose, by the beginning of its name. */
  readonly refusal: { readonly trouble: Trouble; readonly of: 'a' | 'client' } | null
  readonly sharedServer: boolean
  /** The run's credentials come from GitHub's tokens. */
  readonly identity: boolean
  /** How often a command starts many seconds later, from 0 to 1. */
  readonly slowStarts: number
  /** Seconds, at most, that a launch waits before it leaves any trace but its request. */
  readonly queue: number
  readonly leaseMinutes: number
  /** Servers are kept warm for the next run. */
  readonly reuse: boolean
  /** GitHub does not say for long whether the run is over. */
  readonly silentGitHub: boolean
  /** Seconds that the network is away. */
  readonly outage: number
}

/** What is the end of a run by itself, or must not have one before its time. */
const ENDS_ALONE: readonly Event[] = [
  'nothing',
  'cancel',
  'double cancel',
  'cancel, locked',
  'SIGTERM',
  'SIGKILL',
  'runner lost',
]
const ENDINGS = ['cancel', 'SIGTERM', 'SIGKILL', 'runner lost'] as const
const REFUSALS = ['quota', 'authentication', 'budget', 'capacity', 'network', 'garbage', 'hang'] as const
const PHASES = ['check', 'launch', 'load', 'answer', 'release', 'grade', 'teardown'] as const
/** Longer than any of these runs takes. */
const LATEST_S = 480

export function schedule(seed: number): Schedule {
  const random = new Random(seed * 7919)
  for (let i = 0; i < 8; i++) random.next()
  // Each event at each boundary comes with the first seeds; after that all is chance.
  const event = EVENTS[seed % EVENTS.length] ?? 'nothing'
  const boundary = Math.floor(seed / EVENTS.length) % (2 * PHASES.length)
  const phase = PHASES[boundary >> 1] ?? 'launch'
  const atEdge = seed < EVENTS.length * 2 * PHASES.length || random.chance(0.5)
  const alone = ENDS_ALONE.includes(event)
  const reuse = random.chance(0.12)
  return {
    seed,
    event,
    moment: atEdge
      ? { phase, edge: boundary % 2 === 0 ? 'begin' : 'end' }
      : { seconds: random.between(0, LATEST_S) },
    delay: random.chance(0.4) ? 0 : random.between(0, 12),
    also: !alone && random.chance(0.6) ? random.pick(ENDINGS) : null,
    failures: event === 'API errors' ? random.between(0.05, 0.4) : 0,
    // The label of a kept VM says that a live run may be using it: only its lease ends it.
    brokenLeases: !reuse && random.chance(0.15) ? 0.5 : 0,
    lockedDowns: event === 'cancel, locked' ? 6 : 0,
    hangingDowns: event === 'sky hangs' ? random.pick([1, 2, 3]) : 0,
    refusal:
      event === 'launch refused'
        ? { trouble: random.pick(REFUSALS), of: random.pick(['a', 'client'] as const) }
        : null,
    sharedServer: random.chance(0.3),
    identity: random.chance(0.5),
    slowStarts: random.chance(0.25) ? 0.3 : 0,
    queue: random.chance(0.3) ? 50 : 0,
    leaseMinutes: random.pick([3, 10]),
    reuse,
    silentGitHub: random.chance(0.15),
    outage: random.pick([30, 300, 36_000]),
  }
}
