import type { Phase } from '../../src/report/results.ts'
import { Random } from '../support/sky-world/random.ts'

/** What may happen to a run. */
export const EVENTS = [
  'nothing',
  'cancel',
  'double cancel',
  'cancel, locked',
  'SIGKILL',
  'runner lost',
  'VM lost',
  'network lost',
  'credentials expired',
  'API errors',
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
  /** Something else at the same time: what is unlikely, and happens. */
  readonly also: 'cancel' | 'SIGKILL' | 'runner lost' | null
  /** How often a command of `sky` fails, from 0 to 1. */
  readonly failures: number
  /** How often a VM cannot end itself. */
  readonly brokenLeases: number
  /** So many calls of `sky down` find the VM locked by another operation. */
  readonly lockedDowns: number
  readonly sharedServer: boolean
  /** Seconds that the network is away. */
  readonly outage: number
}

/** What is the end of a run by itself, or must not have one before its time. */
const ENDS_ALONE: readonly Event[] = [
  'nothing',
  'cancel',
  'double cancel',
  'cancel, locked',
  'SIGKILL',
  'runner lost',
]
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
  const atEdge = seed < EVENTS.length * 2 * PHASES.length || random.chance(0.25)
  const alone = ENDS_ALONE.includes(event)
  return {
    seed,
    event,
    moment: atEdge
      ? { phase, edge: boundary % 2 === 0 ? 'begin' : 'end' }
      : { seconds: random.between(0, LATEST_S) },
    also: !alone && random.chance(0.6) ? random.pick(['cancel', 'SIGKILL', 'runner lost'] as const) : null,
    failures: event === 'API errors' ? random.between(0.05, 0.4) : 0,
    brokenLeases: random.chance(0.15) ? 0.5 : 0,
    lockedDowns: event === 'cancel, locked' ? 6 : 0,
    sharedServer: random.chance(0.3),
    outage: random.pick([30, 300, 36_000]),
  }
}
