import type { Link, Pair, PlannedRegion } from './schema.ts'

type Place = Pick<PlannedRegion, 'name' | 'network'>

/** How two VMs reach each other, by where they are; the same both ways. Pure. */
export function linkOf(a: Place, b: Place): { readonly link: Link; readonly why: string } {
  if (a.network === 'public' && b.network === 'public')
    return { link: 'tunnel', why: 'each knows the other’s public address' }
  if (a.network === 'public' || b.network === 'public')
    return { link: 'tunnel', why: 'the one on the private network opens it to the other’s public address' }
  if (a.name === b.name) return { link: 'direct', why: 'one VPC' }
  if (a.network === 'main' || b.network === 'main') return { link: 'direct', why: 'their VPCs are peered' }
  return {
    link: 'none',
    why: 'both are outside the main region on the private network, and peerings are not transitive',
  }
}

/** Every two regions, and each with itself. */
export function pairsOf(regions: readonly PlannedRegion[]): readonly Pair[] {
  return regions.flatMap((a, index) =>
    regions.slice(index).map((b): Pair => ({ between: [a.name, b.name], ...linkOf(a, b) })),
  )
}
