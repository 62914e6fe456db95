/**
 * Seeded runs of the built action in real time: something goes wrong at some moment, and after the bound of the ring
 * that must catch it no VM is billed. `CHAOS_SEED=17 npx vitest run --project chaos` runs that one alone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import type { Cancel } from '../../support/runner.ts'
import { createSkyE2e, type SkyWorld } from '../../support/sky-e2e.ts'
import { LAUNCH_ERRORS } from '../../support/sky-stand-in/faults.ts'
import { Random } from '../../support/sky-world/random.ts'

const RUNS = 40
const only = process.env.CHAOS_SEED
const seeds = only ? [Number(only)] : Array.from({ length: RUNS }, (_, at) => at + 1)
const MOMENTS = [/check …/, /a: launch …/, /a: load …/, /a: answer …/, /a: grade …/, /teardown …/] as const
const caught = new Map<string, number>()

afterAll(() => console.table(Object.fromEntries(caught)))

test.concurrent.each(seeds)(
  'seed %i',
  async seed => {
    await using world = await createSkyE2e()
    const random = new Random(seed)
    const mishap = MISHAPS[Math.floor(random.next() * MISHAPS.length)] ?? 'kill'
    const moment = MOMENTS[Math.floor(random.next() * MOMENTS.length)] ?? MOMENTS[0]
    const delayMs = random.chance(0.5) ? 0 : random.between(0, 4000)
    const told = `${mishap} ${delayMs | 0} ms after ${moment}`
    const strike = async (main: Parameters<Cancel['when']>[0]) => {
      // A run that is over before is as good as one that was struck.
      await main.seen(moment).catch(() => {})
      await sleep(delayMs)
      disturb(mishap, world)
    }
    const how = mishap === 'term' || mishap === 'kill' || mishap === 'runner-gone' ? mishap : 'ladder'
    const result = await world.run({ cancel: { when: strike, how } })
    if (how === 'runner-gone') world.endRunner()
    for (const { name, endedBy } of await world.ended(90_000)) {
      expect(endedBy, `${name}: ${told}`).not.toBe('test')
      caught.set(String(endedBy), (caught.get(String(endedBy)) ?? 0) + 1)
    }
    expect(world.alive(), `${told}\n${result.stdout}`).toEqual([])
  },
  300_000,
)

const MISHAPS = [
  'cancel',
  'term',
  'kill',
  'runner-gone',
  'lost-vm',
  'lost-network',
  'expired',
  'api-errors',
] as const
type Mishap = (typeof MISHAPS)[number]

function disturb(mishap: Mishap, { sky }: SkyWorld): void {
  const [first] = sky.cloud.alive()
  if (mishap === 'lost-vm' && first) void sky.preempt(first.name)
  if (mishap === 'lost-network') for (const { name } of sky.cloud.alive()) sky.cut(name, true)
  if (mishap === 'expired') sky.expireCredentials()
  if (mishap !== 'api-errors') return
  const action = { kind: 'fail', stderr: LAUNCH_ERRORS.network } as const
  for (const command of ['down', 'status', 'autostop']) sky.fault({ command, times: 2, action })
}
