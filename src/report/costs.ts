import { endCommand, entries, type Text } from './digest.ts'
import { oneLine } from './escape.ts'
import { dollars, duration, plural } from './numbers.ts'
import type { ModelResult, Results, Retry, VmRecord } from './results.ts'

/** What VMs cost, what was tried again and what is kept, as plain data for Markdown, HTML and terminal alike. */

/** What a model's servers cost together, in US dollars; null when that is not known. */
export function modelCost({ vm }: ModelResult, { vms }: Results): number | null {
  const costs = vms.flatMap(({ name, cost }) => (name === vm && cost !== undefined ? [cost] : []))
  return costs.length > 0 ? costs.reduce((sum, cost) => sum + cost, 0) : null
}

/** `$0.31`, or null where nothing costs anything. */
export function totalCost({ cost }: Results): string | null {
  if (!cost) return null
  return cost.unknown.length > 0 ? `${dollars(cost.total)} and more` : dollars(cost.total)
}

export const VM_TITLES = ['VM', 'for', 'machine', 'USD an hour', 'time', 'cost'] as const

/** One row a launch, in the order of the launches; none where no price is known. */
export function vmRows(results: Results): readonly (readonly string[])[] {
  if (!results.cost) return []
  return results.vms.map(vm => [
    vm.name,
    vm.role,
    machine(vm),
    vm.hourly === undefined ? 'not known' : dollars(vm.hourly),
    duration((vm.goneAt ?? results.run.endedAt) - vm.launchedAt),
    vm.cost === undefined ? 'not known' : dollars(vm.cost),
  ])
}

function machine({ what, spot, kept, goneAt }: VmRecord): string {
  const parts = [what === undefined ? 'not known' : oneLine(what)]
  if (spot) parts.push('spot')
  if (kept) parts.push('kept')
  else if (goneAt === null) parts.push('ending')
  return parts.join(', ')
}

export const COST_EXPLAINED =
  'A VM costs its price an hour for the time from its launch until it was seen to be gone. Prices are those that SkyPilot lists; disks, traffic and taxes come on top.'

const NEXT: Readonly<Record<Retry['next'], string>> = {
  again: 'launched again',
  'on-demand': 'launched again, on demand instead of spot',
  'given-up': 'given up',
}

/** What was tried again, and why: one line each. */
export function retryLines({ retries = [], run }: Results): readonly Text[] {
  return retries.map(({ subject, at, reason, next }) => [
    `After ${duration(at - run.startedAt)}, `,
    { code: subject },
    `: ${oneLine(reason)}; ${NEXT[next]}`,
  ])
}

/** What is warm on purpose, and how it ends before its lease does. */
export function keptText({ vms }: Results): Text | null {
  const kept = vms.filter(vm => vm.kept)
  if (kept.length === 0) return null
  return [
    `${plural(kept.length, 'VM')} kept warm until the lease ends: `,
    ...kept.flatMap((vm, index): Text => [...(index > 0 ? [', '] : []), { code: endCommand(vm) }]),
    kept.length === 1 ? ' ends it before.' : ' end them before.',
  ]
}

export function hasModelCosts(results: Results): boolean {
  return entries(results).some(([, model]) => modelCost(model, results) !== null)
}
