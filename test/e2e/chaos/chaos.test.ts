/**
 * Seeded runs of the built action in real time: something goes wrong at some moment, and after the bound of the ring
 * that must catch it no VM is billed. `CHAOS_SEED=17 npm run test:chaos chaos.test` runs that one alone.
 */
import { afterAll, expect, test } from 'vitest'
import { expectNoSecrets } from '../../support/e2e-checks.ts'
import { createSkyE2e, LEASE_BOUND_MS, SHORT_LEASE } from '../../support/sky-e2e.ts'
import { cancelBy, scheduleOf } from './schedule.ts'

const RUNS = 40
const only = process.env.CHAOS_SEED
const seeds = only ? [Number(only)] : Array.from({ length: RUNS }, (_, at) => at + 1)
/** VMs by the ring that ended them. */
const caught: Record<string, number> = {}

afterAll(() => console.table(caught))

test.concurrent.each(seeds)('seed %i: no VM outlives the ring that must catch it', async seed => {
  await using world = await createSkyE2e()
  const schedule = scheduleOf(seed)
  const { needsLease, moment } = schedule
  const result = await world.run({
    servers: { a: 'slow' },
    inputs: { parallel: '1', 'max-minutes': '1', ...(needsLease ? SHORT_LEASE : {}) },
    cancel: cancelBy(schedule, world),
  })
  const told = [JSON.stringify({ ...schedule, moment: String(moment) }), result.log, result.post?.log].join(
    '\n',
  )
  if (result.post === null) world.endRunner()
  // Post says what it has seen.
  else if (result.post.exitCode === 0) expect(world.alive(), told).toEqual([])
  else expect(result.post.stdout, told).toMatch(/sky down -y [ac]/)
  if (needsLease) await world.ended(LEASE_BOUND_MS).catch(() => {})
  expect(world.alive(), told).toEqual(result.post === null ? world.unprotected() : [])
  await world.sweep()
  expect(world.alive(), told).toEqual([])
  for (const { endedBy } of world.sky.ledger) caught[String(endedBy)] = (caught[String(endedBy)] ?? 0) + 1
  await expectNoSecrets(world.world, result)
})
