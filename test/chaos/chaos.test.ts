import { describe, expect, it } from 'vitest'
import type { Failure } from './many.ts'
import { liveAll, seedsFrom } from './many.ts'
import { ringTable } from './table.ts'

const SCHEDULES = 1000
const BATCH = 100

/** `CHAOS_SEED=17 npx vitest run --project unit test/chaos` lives through one schedule again. */
const replayed = process.env.CHAOS_SEED

describe.runIf(replayed === undefined)('whatever ends a run', () => {
  const all: Awaited<ReturnType<typeof liveAll>>['lives'] = []

  it.each(seedsFrom(0, SCHEDULES / BATCH))('nothing of it outlives its ring (hundred %i)', async hundred => {
    const { lives, failures } = await liveAll(seedsFrom(hundred * BATCH, BATCH))
    all.push(...lives)
    expect(failures.map(told)).toEqual([])
    expect(lives).toHaveLength(BATCH)
  })

  it('and the same seed tells the same story', async () => {
    const seeds = all.map(life => life.schedule.seed).filter(seed => seed % 25 === 0)
    const again = await liveAll(seeds)
    expect(again.lives).toHaveLength(SCHEDULES / 25)
    for (const life of again.lives) {
      const before = all.find(({ schedule }) => schedule.seed === life.schedule.seed)
      expect(life.story).toEqual(before?.story)
      expect(life.entries).toEqual(before?.entries)
      expect(life.claims).toEqual(before?.claims)
    }
  })

  it('each ring had something to catch', () => {
    console.log(ringTable(all))
    const enders = new Set(all.flatMap(life => life.entries.map(entry => entry.endedBy)))
    expect([...enders].toSorted()).toEqual(['cloud', 'finally', 'lease', 'post', 'shutdown', 'sweeper'])
  })
})

it.runIf(replayed !== undefined)('a schedule, lived through again', async () => {
  const { failures } = await liveAll([Number(replayed)])
  expect(failures.map(told)).toEqual([])
})

function told({ seed, wrong }: Failure): string {
  return `CHAOS_SEED=${seed}: ${wrong.join('; ')}`
}
