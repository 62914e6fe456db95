import { overlaps, subnet } from './cidr.ts'

/**
 * AWS's regions, and the addresses that each has in every plan.
 *
 * `octet` is the second of its VPC: us-east-1 is 10.64.0.0/16 whatever else is planned, so that adding a region never
 * moves another, and two plans of one company can be joined. **Never change one; a new region gets the next.**
 * `zones` are the letters that most accounts see; the file of a plan may say others.
 */
const REGIONS = {
  'us-east-1': { octet: 64, zones: 'abcdef' },
  'us-east-2': { octet: 65, zones: 'abc' },
  'us-west-1': { octet: 66, zones: 'ab' },
  'us-west-2': { octet: 67, zones: 'abcd' },
  'ca-central-1': { octet: 68, zones: 'abd' },
  'ca-west-1': { octet: 69, zones: 'abc' },
  'mx-central-1': { octet: 70, zones: 'abc' },
  'sa-east-1': { octet: 71, zones: 'abc' },
  'eu-west-1': { octet: 72, zones: 'abc' },
  'eu-west-2': { octet: 73, zones: 'abc' },
  'eu-west-3': { octet: 74, zones: 'abc' },
  'eu-central-1': { octet: 75, zones: 'abc' },
  'eu-central-2': { octet: 76, zones: 'abc' },
  'eu-north-1': { octet: 77, zones: 'abc' },
  'eu-south-1': { octet: 78, zones: 'abc' },
  'eu-south-2': { octet: 79, zones: 'abc' },
  'af-south-1': { octet: 80, zones: 'abc' },
  'il-central-1': { octet: 81, zones: 'abc' },
  'me-central-1': { octet: 82, zones: 'abc' },
  'me-south-1': { octet: 83, zones: 'abc' },
  'ap-east-1': { octet: 84, zones: 'abc' },
  'ap-east-2': { octet: 85, zones: 'abc' },
  'ap-northeast-1': { octet: 86, zones: 'acd' },
  'ap-northeast-2': { octet: 87, zones: 'abcd' },
  'ap-northeast-3': { octet: 88, zones: 'abc' },
  'ap-south-1': { octet: 89, zones: 'abc' },
  'ap-south-2': { octet: 90, zones: 'abc' },
  'ap-southeast-1': { octet: 91, zones: 'abc' },
  'ap-southeast-2': { octet: 92, zones: 'abc' },
  'ap-southeast-3': { octet: 93, zones: 'abc' },
  'ap-southeast-4': { octet: 94, zones: 'abc' },
  'ap-southeast-5': { octet: 95, zones: 'abc' },
  'ap-southeast-6': { octet: 96, zones: 'abc' },
  'ap-southeast-7': { octet: 97, zones: 'abc' },
  'cn-north-1': { octet: 98, zones: 'ab' },
  'cn-northwest-1': { octet: 99, zones: 'abc' },
  'us-gov-east-1': { octet: 100, zones: 'abc' },
  'us-gov-west-1': { octet: 101, zones: 'abc' },
} as const satisfies Record<string, { readonly octet: number; readonly zones: string }>

export type AwsRegion = keyof typeof REGIONS

export const AWS_REGIONS = Object.keys(REGIONS) as readonly AwsRegion[]

/** A /16 has eight /19: one for each letter that a zone can have. */
export const ZONES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const
export type Zone = (typeof ZONES)[number]

/** 64 octets for regions to come, and for each the same twice more. */
const ROUND = 64

export function isAwsRegion(name: string): name is AwsRegion {
  return Object.hasOwn(REGIONS, name)
}

export function zonesOf(region: AwsRegion): readonly Zone[] {
  return ZONES.filter(zone => REGIONS[region].zones.includes(zone))
}

/** Regions of different partitions share no accounts, and have no peering. */
export function partitionOf(region: AwsRegion): 'aws' | 'aws-cn' | 'aws-us-gov' {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

/** The VPCs that a region can have by rule, the first one first. No other region can have any of them. */
export function vpcChoices(region: AwsRegion): readonly string[] {
  return [0, 1, 2].map(round => `10.${REGIONS[region].octet + round * ROUND}.0.0/16`)
}

/** The region's first choice that is free: it depends on nothing else. Null when all are taken. */
export function vpcCidr(region: AwsRegion, taken: readonly string[]): string | null {
  return vpcChoices(region).find(choice => !taken.some(range => overlaps(choice, range))) ?? null
}

/** True for what regions get by rule, also those to come: 10.64.0.0 to 10.255.255.255. */
export function isByRule(cidr: string): boolean {
  return ['10.64.0.0/10', '10.128.0.0/9'].some(range => overlaps(range, cidr))
}

/** The letter alone says which /19: a zone more moves no other. */
export function subnetCidr(vpc: string, zone: Zone): string {
  return subnet(vpc, { bits: 19, index: ZONES.indexOf(zone) })
}
