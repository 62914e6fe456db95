import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { steadyFiles } from '../support/sky-world/steady-files.ts'
import { violations } from './bounds.ts'
import { type Life, live } from './life.ts'
import { schedule } from './schedule.ts'

export interface Failure {
  readonly seed: number
  readonly wrong: readonly string[]
}

/** Lives through the schedules of these seeds, one after the other. */
export async function liveAll(seeds: Iterable<number>): Promise<{ lives: Life[]; failures: Failure[] }> {
  using _files = steadyFiles()
  const lives: Life[] = []
  const failures: Failure[] = []
  for (const seed of seeds) {
    const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-chaos-'))
    try {
      const life = await live(schedule(seed), folder)
      lives.push(life)
      const wrong = violations(life)
      if (wrong.length > 0) failures.push({ seed, wrong })
    } catch (error) {
      failures.push({ seed, wrong: [String((error as Error).stack)] })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  return { lives, failures }
}

export function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}
