import { MEASURED } from '../test/support/sky-world/durations.ts'
import { MODELS, type Timeline, WORK } from './timeline-recipes.ts'

/** GPU seconds that a run cannot do without: for each model to provision, to set up and load, to answer. */
export const NEEDED_S = MODELS.length * (MEASURED.provisionGpu + WORK.setupServer + WORK.load + WORK.answer)

/**
 * Seconds that a run cannot be shorter than: one model's way to its answers, then the grades of all of them, one after
 * the other on the one client, and that client's end.
 */
export const CRITICAL_S =
  NEEDED_S / MODELS.length +
  MODELS.length * WORK.grade +
  MEASURED.cliStart +
  MEASURED.downAsk +
  MEASURED.downRest

export interface GpuUse {
  readonly billed: number
  /** Of `NEEDED_S`: 1 is the best there can be. */
  readonly ratio: number
  readonly wall: number
}

export function gpuUse({ world, wall }: Timeline): GpuUse {
  if (world.ledger.alive().length > 0) throw new Error('a VM is alive')
  const billed = world.ledger.seconds(entry => entry.gpu, world.clock.now())
  return { billed, ratio: billed / NEEDED_S, wall }
}
