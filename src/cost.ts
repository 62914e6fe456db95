import type { VmEnding } from './fleet/run-vms.ts'
import type { Results, VmRecord } from './report/results.ts'

const HOUR_MS = 3_600_000

/**
 * One launch as the results tell it, with what it cost: its price × the time from launch until it was seen to be
 * gone, or until now when it was not: what is kept, or left, costs on.
 * @param now Unix milliseconds
 */
export function vmRecord({ price, ...vm }: VmEnding, now: number): VmRecord {
  if (!price) return vm
  const { hourly, spot, what } = price
  const ms = Math.max(0, (vm.goneAt ?? now) - vm.launchedAt)
  return { ...vm, what, spot, hourly, cost: (hourly * ms) / HOUR_MS }
}

/** What the run cost; undefined where nothing has a price, as on this machine. */
export function runCost(vms: readonly VmRecord[]): Results['cost'] {
  const priced = vms.flatMap(({ cost }) => (cost === undefined ? [] : [cost]))
  if (priced.length === 0) return undefined
  const unknown = vms.flatMap(({ cost, name }) => (cost === undefined ? [name] : []))
  return { total: priced.reduce((sum, cost) => sum + cost, 0), unknown: [...new Set(unknown)] }
}
