import { z } from 'zod'

/**
 * The document of `lmrun mesh plan --format json`, and the single source of its types. Additions keep the version;
 * readers ignore what they do not know. Anything else is `lmrun.mesh-plan/v2`.
 */
export const MESH_PLAN_SCHEMA = 'lmrun.mesh-plan/v1'

const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.object(shape).readonly()
const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly()
const cidr = () => z.cidrv4()
const regionName = () => z.string().regex(/^[a-z][a-z0-9-]*:[a-z0-9][a-z0-9._-]*$/)

export const regionSchema = object({
  name: regionName().describe('`<cloud>:<region>`'),
  cloud: z.string().describe("as SkyPilot's infra names it"),
  region: z.string(),
  network: z
    .enum(['main', 'peered', 'public'])
    .describe(
      '`main`: the main region; `peered`: its VPC is peered with the main region’s; `public`: no VPC of the plan, VMs join with their public addresses',
    ),
  cidr: cidr().nullable().describe('of its VPC, a /16; null when it has none of the plan'),
  subnets: list(object({ zone: z.string(), cidr: cidr() })).describe('a /19 for each zone'),
})

export const peeringSchema = object({
  name: z.string(),
  requester: regionName().describe('always the main region'),
  accepter: regionName(),
})

export const routeSchema = object({
  region: regionName().describe('whose route table'),
  destination: cidr(),
  target: z.string().describe('`local`, `internet` (the internet gateway), or the name of a peering'),
})

export const ruleSchema = object({
  protocol: z.enum(['tcp', 'udp', 'all']),
  port: z.int().min(1).max(65_535).nullable().describe('null: all'),
  from: z.string().describe('a CIDR, or the name of a group of the same region'),
  why: z.string(),
})

export const securityGroupSchema = object({
  name: z.string(),
  region: regionName(),
  on: z.string().describe('which VMs have it, and no other'),
  rules: list(ruleSchema).describe('what may come in; everything may go out'),
})

const link = () =>
  z
    .enum(['direct', 'tunnel', 'none'])
    .describe('`direct`: by private addresses; `tunnel`: by public addresses; `none`: not at all')

export const pairSchema = object({
  between: z.tuple([regionName(), regionName()]).readonly().describe('the same one twice: two of its VMs'),
  link: link(),
  why: z.string(),
})

export const connectionSchema = object({
  between: z.tuple([z.string(), z.string()]).readonly().describe('VMs or regions, as they were asked for'),
  link: link(),
  why: z.string(),
})

export const meshPlanSchema = object({
  schema: z.literal(MESH_PLAN_SCHEMA),
  main: regionName(),
  reserved: list(object({ cidr: cidr(), why: z.string() })).describe('what no VPC overlaps'),
  regions: list(regionSchema).describe('the main region first'),
  vms: list(object({ name: z.string(), region: regionName() })),
  peerings: list(peeringSchema),
  routes: list(routeSchema),
  securityGroups: list(securityGroupSchema),
  pairs: list(pairSchema).describe('every two regions, and each with itself'),
  connections: list(connectionSchema).describe('what was asked for; none of them has no link'),
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
