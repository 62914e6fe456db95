import { z } from 'zod'

/**
 * The document of `lmrun mesh plan --format json`, and the single source of its types. Additions keep the version;
 * readers ignore what they do not know. Anything else is `lmrun.mesh-plan/v2`.
 */
export const MESH_PLAN_SCHEMA = 'lmrun.mesh-plan/v1'

const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.object(shape).readonly()
const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly()
const two = <Item extends z.ZodType>(item: Item) => z.tuple([item, item]).readonly()
const text = (meaning: string) => z.string().describe(meaning)
const cidr = (meaning: string) => z.cidrv4().describe(meaning)
const region = (meaning: string) =>
  z
    .string()
    .regex(/^[a-z][a-z0-9-]*:[a-z0-9][a-z0-9._-]*$/)
    .describe(meaning)

export const regionSchema = object({
  name: region('`<cloud>:<region>`, as everywhere below'),
  cloud: text('as SkyPilot’s infra names it'),
  region: text('the cloud’s own name for it'),
  network: z
    .enum(['main', 'peered', 'public'])
    .describe(
      'the main region; a VPC that is peered with the main region’s; no VPC of the plan: VMs join with public addresses',
    ),
  cidr: z.cidrv4().nullable().describe('of its VPC, a /16; null when it has none of the plan'),
  subnets: list(object({ zone: text('availability zone'), cidr: cidr('of its subnet, a /19') })).describe(
    'one for each zone',
  ),
})

export const peeringSchema = object({
  name: text('unique in the plan'),
  requester: region('always the main region'),
  accepter: region('the other one'),
})

export const routeSchema = object({
  region: region('whose route table'),
  destination: cidr('where to'),
  target: text('`local`, `internet` (the internet gateway), or the name of a peering'),
})

export const ruleSchema = object({
  protocol: z.enum(['tcp', 'udp', 'all']).describe('what may come in'),
  port: z.int().min(1).max(65_535).nullable().describe('null: every one'),
  from: text('a CIDR, or the name of a group of the same region'),
  why: text('what it is for'),
})

export const securityGroupSchema = object({
  name: text('unique in its region'),
  region: region('where it is'),
  on: text('which VMs have it'),
  rules: list(ruleSchema).describe('what may come in; everything may go out'),
})

export const pairSchema = object({
  between: two(z.string()).describe('two regions; the same twice: two VMs there'),
  link: z
    .enum(['direct', 'tunnel', 'none'])
    .describe('by private addresses, by a tunnel to a public one, or not at all'),
  why: text('in words'),
})

export const connectionSchema = object({
  between: two(z.string()).describe('VMs or regions, as they were asked for'),
  link: z.enum(['direct', 'tunnel']).describe('as of pairs'),
  why: text('in words'),
})

export const meshPlanSchema = object({
  schema: z.literal(MESH_PLAN_SCHEMA).describe(`\`${MESH_PLAN_SCHEMA}\``),
  main: region('the main region'),
  reserved: list(object({ cidr: cidr('the range'), why: text('who has it') })).describe(
    'what no VPC overlaps',
  ),
  regions: list(regionSchema).describe('the main region first, the others as they were given'),
  vms: list(object({ name: text('VM name'), region: region('where it is to be') })).describe('of the file'),
  peerings: list(peeringSchema).describe('between VPCs'),
  routes: list(routeSchema).describe('one route table for each VPC'),
  securityGroups: list(securityGroupSchema).describe('or what the cloud calls its firewall'),
  pairs: list(pairSchema).describe('every two regions, and each with itself'),
  connections: list(connectionSchema).describe('what was asked for; one that cannot be is refused'),
  notes: list(z.string()).describe('what to know, as sentences'),
})

export type MeshPlan = z.output<typeof meshPlanSchema>
export type PlannedRegion = z.output<typeof regionSchema>
export type Peering = z.output<typeof peeringSchema>
export type Route = z.output<typeof routeSchema>
export type Rule = z.output<typeof ruleSchema>
export type SecurityGroup = z.output<typeof securityGroupSchema>
export type Pair = z.output<typeof pairSchema>
export type Link = Pair['link']
