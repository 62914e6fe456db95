import { InputError, type Problem } from '../../errors.ts'
import { MESH } from '../../mesh-names.ts'
import { isByRule, partitionOf, subnetCidr, vpcChoices, vpcCidr, zonesOf } from './aws.ts'
import { ANYWHERE, isPrivate, overlaps } from './cidr.ts'
import { linkOf } from './links.ts'
import type { PlanOptions, RegionChoice } from './options.ts'
import type { MeshPlan, PlannedRegion } from './schema.ts'

/** Everything that was to be decided; the rest of a plan follows from it. */
export type Topology = Pick<MeshPlan, 'main' | 'regions' | 'vms' | 'reserved' | 'connections'> & {
  readonly sshFrom: readonly string[]
}

/**
 * Puts the options together: who has which network and which addresses, and whether what is to be connected can be.
 * @throws InputError with everything that does not fit
 */
export function decideTopology(options: PlanOptions): Topology {
  const { taken, vms } = options
  const choices = withMain(options)
  const problems = [
    ...twice(choices),
    ...unknownRegions(options, choices),
    ...choices.flatMap(choice => networkProblems(choice, options.main)),
    ...choices.flatMap(choice => rangeProblems(choice, choices, taken)),
  ]
  if (problems.length > 0) throw new InputError(problems)
  const regions = choices.map(choice => planRegion(choice, options))
  return {
    main: options.main.name,
    regions,
    vms: vms.map(({ name, region }) => ({ name, region })),
    reserved: reservedRanges(taken),
    connections: connect(options, regions),
    sshFrom: options.sshFrom.length > 0 ? options.sshFrom : [ANYWHERE],
  }
}

/** The main region is in every plan, and first. A flag that makes a region public leaves nothing of its VPC. */
function withMain({ main, regions, public: publicOnes }: PlanOptions): readonly RegionChoice[] {
  const isMain = ({ name }: RegionChoice) => name === main.name
  const all = regions.some(isMain)
    ? [...regions.filter(isMain), ...regions.filter(one => !isMain(one))]
    : [main, ...regions]
  const isOutside = ({ name, isPublic }: RegionChoice) =>
    isPublic || publicOnes.some(one => one.name === name)
  return all.map(choice =>
    isOutside(choice) ? { ...choice, isPublic: true, zones: null, cidr: null } : choice,
  )
}

function twice(choices: readonly RegionChoice[]): readonly Problem[] {
  return choices
    .filter(({ name }, index) => choices.findIndex(other => other.name === name) !== index)
    .map(({ where, name }) => ({ where, what: `${name} is there already`, allowed: 'Give each region once' }))
}

function unknownRegions(
  { public: publicOnes, vms, connect: pairs }: PlanOptions,
  choices: readonly RegionChoice[],
): readonly Problem[] {
  const regions = choices.map(({ name }) => name)
  const names = [...regions, ...vms.map(({ name }) => name)]
  const missing = (where: string, name: string): Problem => ({
    where,
    what: `${name} is not in the plan`,
    allowed: name.includes(':')
      ? `Give it with --region; there are ${regions.join(', ')}`
      : `Name a VM of the file, or a region; there are ${names.join(', ')}`,
  })
  return [
    ...publicOnes
      .filter(({ name }) => !regions.includes(name))
      .map(({ where, name }) => missing(where, name)),
    ...vms
      .filter(({ region }) => !regions.includes(region))
      .map(({ where, region }) => missing(where, region)),
    ...pairs.flatMap(({ where, between }) =>
      between.filter(name => !names.includes(name)).map(name => missing(where, name)),
    ),
  ]
}

function networkProblems(
  { where, name, aws, isPublic }: RegionChoice,
  main: RegionChoice,
): readonly Problem[] {
  if (isPublic && name === main.name)
    return [
      {
        where,
        what: `${name} is the main region, and cannot be public`,
        allowed: 'Leave it on the private network',
      },
    ]
  if (isPublic || aws === null || main.aws === null || partitionOf(aws) === partitionOf(main.aws)) return []
  return [
    {
      where,
      what: `${name} is in the partition ${partitionOf(aws)} and the main region in ${partitionOf(main.aws)}: there is no peering between them`,
      allowed: `Let its VMs join by public addresses: --public ${name}`,
    },
  ]
}

function rangeProblems(
  choice: RegionChoice,
  choices: readonly RegionChoice[],
  taken: readonly string[],
): readonly Problem[] {
  const { where, name, aws, cidr, isPublic } = choice
  if (isPublic || aws === null) return []
  if (cidr === null) {
    if (vpcCidr(aws, taken) !== null) return []
    const what = `${name} can have ${vpcChoices(aws).join(', ')}, and all are taken`
    return [{ where, what, allowed: `Give it another in the file: {region: "${name}", cidr: 172.20.0.0/16}` }]
  }
  const before = choices.slice(0, choices.indexOf(choice)).filter(one => one.cidr !== null)
  const clash = [
    ...reservedRanges(taken),
    ...before.map(one => ({ cidr: one.cidr ?? '', why: one.name })),
  ].find(other => overlaps(cidr, other.cidr))
  if (clash) {
    const what = `${cidr} overlaps ${clash.cidr} (${clash.why})`
    return [{ where, what, allowed: 'Give a /16 that is free, or leave cidr out' }]
  }
  if (isPrivate(cidr) && (!isByRule(cidr) || vpcChoices(aws).includes(cidr))) return []
  const own = vpcChoices(aws).join(', ')
  const allowed = `Give one of its own (${own}), or a private /16 outside 10.64.0.0 to 10.255.255.255, which the rule gives to regions`
  return [{ where, what: `${cidr} cannot be ${name}’s`, allowed }]
}

function reservedRanges(taken: readonly string[]): MeshPlan['reserved'] {
  return [
    { cidr: MESH.podCidr, why: 'K3s: pods' },
    { cidr: MESH.serviceCidr, why: 'K3s: services' },
    ...taken.map(cidr => ({ cidr, why: 'taken' })),
  ]
}

function planRegion(choice: RegionChoice, { main, taken }: PlanOptions): PlannedRegion {
  const { name, cloud, region, aws, isPublic, zones } = choice
  const cidr = isPublic || aws === null ? null : (choice.cidr ?? vpcCidr(aws, taken))
  if (cidr === null || aws === null)
    return { name, cloud, region, network: 'public', cidr: null, subnets: [] }
  return {
    name,
    cloud,
    region,
    network: name === main.name ? 'main' : 'peered',
    cidr,
    subnets: [...new Set(zones ?? zonesOf(aws))]
      .sort()
      .map(zone => ({ zone: `${region}${zone}`, cidr: subnetCidr(cidr, zone) })),
  }
}

/** @throws InputError that names every pair that cannot be, why, and what would help */
function connect(
  { connect: pairs, vms, main }: PlanOptions,
  regions: readonly PlannedRegion[],
): MeshPlan['connections'] {
  const place = (end: string) => {
    const name = vms.find(vm => vm.name === end)?.region ?? end
    return regions.find(region => region.name === name)
  }
  const problems: Problem[] = []
  const connections = pairs.flatMap(({ where, between }) => {
    const [a, b] = [place(between[0]), place(between[1])]
    if (!a || !b) return []
    const { link, why } = linkOf(a, b)
    if (link !== 'none') return [{ between, link, why }]
    problems.push(refusal(where, { between, places: [a.name, b.name], main: main.name }))
    return []
  })
  if (problems.length > 0) throw new InputError(problems)
  return connections
}

interface Refused {
  readonly between: readonly [string, string]
  readonly places: readonly [string, string]
  readonly main: string
}

function refusal(where: string, { between, places, main }: Refused): Problem {
  const [a, b] = between.map((end, index) => (end === places[index] ? end : `${end} (${places[index]})`))
  return {
    where,
    what: `${a} and ${b} cannot be connected: both are outside the main region ${main} on the private network. Each VPC is peered with the main region’s alone, and peerings are not transitive`,
    allowed: `Put one of the two in ${main}, or let one join by its public address: --public ${places[1]}`,
  }
}
