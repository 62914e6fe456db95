import type { VmPrice } from '../fleet.ts'
import { costReportArgs } from './argv.ts'
import type { SkyContext } from './context.ts'
import type { VmNote } from './notes.ts'
import { costReportSchema, readJson, type SkyCost } from './output.ts'
import { ask } from './queries.ts'

/** What VMs cost by SkyPilot's catalog: from its cost report, else from what the launch said. */
export async function vmPrices(
  { cli, notes }: Pick<SkyContext, 'cli' | 'notes'>,
  names: readonly string[],
): Promise<ReadonlyMap<string, VmPrice>> {
  const read = await ask(cli, costReportArgs(), undefined, reply => readJson(costReportSchema, reply))
  const costs = read.ok ? read.value : []
  const prices = await Promise.all(
    names.map(async name => [name, priceOf(latest(costs, name), await notes.get(name))] as const),
  )
  return new Map(prices.filter((entry): entry is [string, VmPrice] => entry[1] !== null))
}

/** A name that was used before is in the report several times. */
function latest(costs: readonly SkyCost[], name: string): SkyCost | null {
  const own = costs.filter(cost => cost.name === name)
  return own.toSorted((a, b) => (b.launched_at ?? 0) - (a.launched_at ?? 0))[0] ?? null
}

export function priceOf(cost: SkyCost | null, note: VmNote | null): VmPrice | null {
  const hourly = hourlyOf(cost) ?? note?.offer?.hourly ?? null
  if (hourly === null) return null
  return { hourly, spot: cost?.resources?.use_spot ?? note?.spot ?? false, what: describe(cost, note) }
}

/** Zero of a VM that has run for no time says nothing. */
function hourlyOf(cost: SkyCost | null): number | null {
  if (!cost?.duration || cost.total_cost === null) return null
  if (cost.total_cost === 0 && cost.cloud !== 'Slurm' && cost.cloud !== 'Kubernetes') return null
  return (cost.total_cost / cost.duration) * 3600
}

function describe(cost: SkyCost | null, note: VmNote | null): string {
  const place = cost
    ? [cost.cloud, cost.region, cost.resources?.instance_type]
    : [note?.offer?.infra, note?.offer?.instance]
  const machine = place.filter(part => part && part !== '-').join(' ')
  const accelerators = note?.offer?.accelerators ?? cost?.accelerators ?? ''
  return accelerators && accelerators !== '-' && accelerators !== 'None'
    ? `${machine}, ${accelerators}`
    : machine
}
