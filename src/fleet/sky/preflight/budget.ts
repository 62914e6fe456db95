import type { Problem } from '../../../errors.ts'
import type { LaunchRequest, Offer } from '../../fleet.ts'

export interface Estimate {
  /** USD an hour for all VMs whose price is known. */
  readonly hourly: number
  /** USD until the run's limit: an upper bound, since servers go when their model is answered. */
  readonly total: number
  /** VMs without a known price. */
  readonly unknown: readonly string[]
}

export function estimate(names: readonly string[], offers: readonly Offer[], minutes: number): Estimate {
  const hourly = offers.reduce((sum, offer) => sum + offer.hourly, 0)
  const known = new Set(offers.map(({ vm }) => vm))
  return { hourly, total: (hourly * minutes) / 60, unknown: names.filter(name => !known.has(name)) }
}

/**
 * Why a run may not be launched for its price. An unknown price with a limit set is refused: a limit that is only
 * sometimes kept is none.
 */
export function budgetProblems(
  requests: readonly Pick<LaunchRequest, 'name'>[],
  offers: readonly Offer[],
  limit: number | undefined,
): readonly Problem[] {
  if (limit === undefined) return []
  const where = 'max-hourly-cost'
  const { hourly, unknown } = estimate(
    requests.map(({ name }) => name),
    offers,
    60,
  )
  const problems: Problem[] = []
  if (unknown.length > 0) {
    problems.push({
      where,
      what: `the price of ${unknown.join(', ')} is not known, so the limit of $${limit.toFixed(2)} could not be kept`,
      allowed: 'Leave max-hourly-cost out to launch without a limit, or ask for a machine that has a price',
    })
  }
  // Prices are sums of cents and less: what only rounding puts above the limit is not.
  if (hourly > limit + 1e-6) {
    const items = offers.map(({ vm, hourly, what }) => `${vm} $${hourly.toFixed(2)} (${what})`).join(', ')
    problems.push({
      where,
      what: `$${hourly.toFixed(2)} an hour is above the limit of $${limit.toFixed(2)}: ${items}`,
      allowed: 'Raise it, ask for less, or use spot',
    })
  }
  return problems
}
