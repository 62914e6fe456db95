import fc from 'fast-check'
import { InputError } from '../../../src/errors.ts'
import { AWS_REGIONS } from '../../../src/mesh/topology/aws.ts'
import { gather, type PlanFlags } from '../../../src/mesh/topology/given.ts'
import { planMesh } from '../../../src/mesh/topology/plan.ts'
import type { MeshPlan } from '../../../src/mesh/topology/schema.ts'

export interface Asked extends PlanFlags {
  readonly file?: unknown
}

/** A plan from flags and the content of a file that is called mesh.yaml. */
export function plan({ file, ...flags }: Asked): MeshPlan {
  return planMesh(gather(flags, file === undefined ? null : { name: 'mesh.yaml', content: file }))
}

/** Where and why a plan was refused, one text a problem. */
export function refusals(asked: Asked): readonly string[] {
  try {
    plan(asked)
  } catch (error) {
    if (error instanceof InputError) return error.problems.map(({ where, what }) => `${where}: ${what}`)
    throw error
  }
  return []
}

export const firewallOf = ({ securityGroups }: MeshPlan, name: string, region: string) =>
  securityGroups.find(group => group.name === name && group.region === region)?.rules ?? []

const commercial = AWS_REGIONS.filter(region => !/^(cn|us-gov)-/.test(region))
const other = fc
  .tuple(
    fc.constantFrom('lambda', 'gcp', 'fluidstack'),
    fc.constantFrom('us-west-1', 'europe-west4', 'a.b_c'),
  )
  .map(([cloud, region]) => `${cloud}:${region}`)

/** Flags of plans that are all allowed: some regions of AWS, some of them public, other clouds, ranges that are taken. */
export const allowedFlags: fc.Arbitrary<
  PlanFlags & { readonly main: string; readonly region: readonly string[] }
> = fc
  .record({
    own: fc.uniqueArray(fc.constantFrom(...commercial), { minLength: 1, maxLength: 12 }),
    others: fc.uniqueArray(other, { maxLength: 4 }),
    publicOnes: fc.array(fc.nat(11), { maxLength: 3 }),
    // One of the three ranges that each region can have stays free.
    taken: fc.uniqueArray(fc.integer({ min: 64, max: 191 }), { maxLength: 60 }),
    order: fc.infiniteStream(fc.nat(1000)),
  })
  .map(({ own, others, publicOnes, taken, order }) => {
    const [main = '', ...rest] = own
    const regions = [...rest.map(region => `aws:${region}`), ...others]
    return {
      main,
      region: regions
        .map(name => ({ name, rank: order.next().value ?? 0 }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ name }) => name),
      public: [...new Set(publicOnes)].flatMap(index => (rest[index] ? [`aws:${rest[index]}`] : [])),
      taken: taken.map(octet => `10.${octet}.0.0/16`),
    }
  })
