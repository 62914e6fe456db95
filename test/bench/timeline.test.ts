import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CRITICAL_S, gpuUse } from '../../bench/timeline-ratio.ts'
import { atTheEnd, byHand, ours } from '../../bench/timeline-recipes.ts'
import { teardownOf } from '../../bench/timeline-teardown.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-timeline-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

// Virtual time: these are exact, however busy the machine is.
describe('GPU seconds of a run of two models', () => {
  it('are at most 3 % more than provisioning, loading and answering take', async () => {
    expect(gpuUse(await ours(folder)).ratio).toBeLessThanOrEqual(1.03)
  })

  it('are fewer than by hand, and than when all is torn down at the end', async () => {
    const { billed } = gpuUse(await ours(folder))
    expect(billed).toBeLessThan(gpuUse(await byHand(folder)).billed)
    expect(billed).toBeLessThan(gpuUse(await atTheEnd(folder)).billed)
  })
})

it('takes at most 5 % longer than its critical path', async () => {
  expect((await ours(folder)).wall / CRITICAL_S).toBeLessThanOrEqual(1.05)
})

it('ends 20 VMs in at most 1.2 times what the slowest one takes', async () => {
  const { all, slowest } = await teardownOf(20, folder)
  expect(all / slowest).toBeLessThanOrEqual(1.2)
})
