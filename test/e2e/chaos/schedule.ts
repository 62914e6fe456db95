/** What happens to a run of the chaos, and when: all of it from the seed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cancel } from '../../support/runner.ts'
import type { SkyWorld } from '../../support/sky-e2e.ts'
import { type FaultAction, LAUNCH_ERRORS } from '../../support/sky-stand-in/faults.ts'
import { Random } from '../../support/sky-world/random.ts'

const MISHAPS = [
  ...(['cancel', 'double cancel', 'term', 'kill', 'runner-gone'] as const),
  ...(['lost VM', 'lost network', 'expired credentials', 'API errors', 'lost API server'] as const),
] as const

const MOMENTS = [/check …/, /a: launch …/, /a: load …/, /a: answer …/, /a: grade …/, /teardown …/] as const

export interface Schedule {
  readonly mishap: (typeof MISHAPS)[number]
  /** What the log says at the phase's boundary. */
  readonly moment: RegExp
  /** Milliseconds after it; 0 at the boundary itself. */
  readonly delayMs: number
  readonly how: Cancel['how']
  /** Nothing of ours may be able to end the VMs: the lease must. */
  readonly needsLease: boolean
  /** Milliseconds until the credentials are renewed; null: never. */
  readonly renewedMs: number | null
  readonly errors: readonly {
    readonly command: string
    readonly times: number
    readonly action: FaultAction
  }[]
}

/** Each mishap has its turn, at a moment by chance. */
export function scheduleOf(seed: number): Schedule {
  const random = new Random(seed)
  const mishap = MISHAPS[seed % MISHAPS.length] ?? 'kill'
  return {
    mishap,
    moment: random.pick(MOMENTS),
    delayMs: random.chance(0.5) ? 0 : random.between(0, 3000),
    how: howOf(mishap, random),
    needsLease: mishap === 'runner-gone' || mishap === 'expired credentials',
    renewedMs: random.chance(0.8) ? random.between(5000, 30_000) : null,
    errors: ['launch', 'status', 'autostop', 'down'].map(command => ({
      command,
      times: Math.floor(random.between(1, 4)),
      action: random.pick(ERRORS),
    })),
  }
}

const ERRORS: readonly FaultAction[] = [
  { kind: 'fail', stderr: LAUNCH_ERRORS.network },
  { kind: 'locked' },
  { kind: 'garbage' },
  { kind: 'lie' },
  { kind: 'slow', seconds: 60 },
]

function howOf(mishap: Schedule['mishap'], random: Random): Schedule['how'] {
  if (mishap === 'cancel' || mishap === 'double cancel') return 'ladder'
  if (mishap === 'term' || mishap === 'kill' || mishap === 'runner-gone') return mishap
  // Whatever goes wrong, somebody may cancel because of it.
  return random.chance(0.5) ? 'ladder' : 'not'
}

/** Acts it out on a run. A run that is over before is as good as one that was struck. */
export function cancelBy(schedule: Schedule, world: SkyWorld): Cancel {
  const { mishap, moment, delayMs, how } = schedule
  return {
    when: async main => {
      await main.seen(moment).catch(() => {})
      await sleep(delayMs)
      disturb(schedule, world)
    },
    how,
    // Cancelled again, GitHub waits for nothing.
    ...(mishap === 'double cancel' ? { waits: [100, 100] as const } : {}),
  }
}

function disturb({ mishap, renewedMs, errors }: Schedule, { sky }: SkyWorld): void {
  const [first] = sky.cloud.alive()
  if (mishap === 'lost VM' && first) void sky.cloud.end(first, 'cloud')
  if (mishap === 'lost network') for (const instance of sky.cloud.alive()) instance.cut = true
  if (mishap === 'lost API server') sky.killServer()
  if (mishap === 'API errors') for (const error of errors) sky.fault(error)
  if (mishap !== 'expired credentials') return
  sky.expireCredentials()
  if (renewedMs !== null) setTimeout(() => sky.expireCredentials(false), renewedMs).unref()
}
