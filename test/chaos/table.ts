import { markdownTable } from 'markdown-table'
import type { Ender, LedgerEntry } from '../support/sky-world/ledger.ts'
import type { Life } from './life.ts'

const RINGS: readonly (readonly [Ender, string])[] = [
  ['finally', '1. `finally`'],
  ['post', '2. post'],
  ['lease', '3. lease'],
  ['shutdown', '3. shutdown of the operating system'],
  ['sweeper', '4. sweeper'],
  ['cloud', 'the cloud took it back'],
]

/**
 * How many VMs each ring ended, while the run lived and after it, and for how long they were nobody's. What is kept on
 * purpose is not counted.
 */
export function ringTable(lives: readonly Life[]): string {
  const rows = RINGS.map(([ender, name]) => {
    const ended = lives.flatMap(life =>
      unkept(life)
        .filter(entry => entry.endedBy === ender)
        .map(entry => orphanSeconds(life, entry.billedTo)),
    )
    const after = ended.filter(seconds => seconds > 0)
    return [
      name,
      ended.length - after.length,
      after.length,
      seconds(quantile(after, 0.5)),
      seconds(quantile(after, 1)),
    ]
  })
  const header = ['Ring', 'VMs in the run', 'VMs after it', 'p50 of their seconds', 'longest']
  return markdownTable([header, ...rows.map(row => row.map(String))], { align: ['l', 'r', 'r', 'r', 'r'] })
}

/** Seconds of all VMs after the end of a cancelled run, one number a run. */
export function orphanSecondsOfCancelled(lives: readonly Life[]): {
  p50: number
  p95: number
  max: number
  runs: number
} {
  const sums = lives
    .filter(life => life.cancelledAt !== null)
    .map(life =>
      unkept(life).reduce(
        (sum, { billedTo }) => sum + Math.max(0, ((billedTo ?? 0) - (life.cancelledAt ?? 0)) / 1000),
        0,
      ),
    )
  return { p50: quantile(sums, 0.5), p95: quantile(sums, 0.95), max: quantile(sums, 1), runs: sums.length }
}

function unkept({ entries, kept }: Life): readonly LedgerEntry[] {
  return entries.filter(({ name }) => !kept.has(name))
}

function orphanSeconds({ overAt }: Life, billedTo: number | null): number {
  return Math.max(0, ((billedTo ?? 0) - overAt) / 1000)
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

function seconds(value: number): string {
  return value === 0 ? '–' : value.toFixed(0)
}
