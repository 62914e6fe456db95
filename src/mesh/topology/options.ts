import { z } from 'zod'
import { InputError, type Problem } from '../../errors.ts'
import { nearest } from '../../text.ts'
import { AWS_REGIONS, type AwsRegion, isAwsRegion, ZONES, type Zone } from './aws.ts'
import { readCidr } from './cidr.ts'
import type { Given, Said } from './given.ts'

/** What was said, each item by itself understood. Whether they fit together is for topology.ts. */
export interface PlanOptions {
  readonly main: RegionChoice
  readonly regions: readonly RegionChoice[]
  readonly public: readonly Named[]
  readonly vms: readonly (Named & { readonly region: string })[]
  readonly connect: readonly { readonly where: string; readonly between: readonly [string, string] }[]
  readonly taken: readonly string[]
  readonly sshFrom: readonly string[]
}

interface Named {
  readonly where: string
  readonly name: string
}

export interface RegionChoice extends Named {
  readonly cloud: string
  readonly region: string
  /** Null for other clouds than AWS: they have no private network here. */
  readonly aws: AwsRegion | null
  readonly isPublic: boolean
  readonly zones: readonly Zone[] | null
  /** A VPC that was asked for, instead of the rule's. */
  readonly cidr: string | null
}

/** @throws InputError with everything that is not understood */
export function parsePlanOptions(given: Given): PlanOptions {
  const problems: Problem[] = []
  const each = <From extends Said, To>(items: readonly From[], read: (item: From) => Read<To>): To[] =>
    items.flatMap(item => {
      const result = read(item)
      if ('value' in result) return [result.value]
      problems.push({ where: item.where, ...result })
      return []
    })
  if (given.main === null) problems.push(NO_MAIN)
  const [main] = each(given.main ? [given.main] : [], readMain)
  const options = {
    regions: each(given.regions, readRegion),
    public: each(given.public, named),
    vms: each(given.vms, readVm),
    connect: each(given.connect, readConnection),
    taken: each(given.taken, readRange),
    sshFrom: each(given.sshFrom, readRange),
  }
  if (main === undefined || problems.length > 0) throw new InputError(problems)
  return { main, ...options }
}

type Read<T> = { readonly value: T } | Wrong
type Wrong = Pick<Problem, 'what' | 'allowed'>

const KNOWN = `AWS’s regions: ${AWS_REGIONS.join(', ')}`
const REGION = 'Give <cloud>:<region>, like aws:us-east-1 or lambda:us-west-1'
const NO_MAIN: Problem = {
  where: '--main',
  what: 'is required',
  allowed:
    'Give --main us-east-1, or "main" in the file, or AWS_DEFAULT_REGION in the environment or in .env here',
}

function readMain({ where, value }: Said): Read<RegionChoice> {
  const text = asText(value)
  const read = regionName(/[:/]/.test(text) ? text : `aws:${text}`)
  if (!('value' in read)) return { ...read, what: `${show(value)} is not allowed` }
  const { name, cloud, region, aws } = read.value
  if (aws === null)
    return { what: `${show(value)} is not on AWS`, allowed: `The main region is one of ${KNOWN}` }
  return { value: { where, name, cloud, region, aws, isPublic: false, zones: null, cidr: null } }
}

const regionItem = z.strictObject({
  region: z.string(),
  network: z.enum(['private', 'public']).optional(),
  zones: z.array(z.enum(ZONES)).min(1).optional(),
  cidr: z.string().optional(),
})
const ITEM =
  'Give <cloud>:<region>, or a map of region, network (private or public), zones (letters from a to h) and cidr (a /16)'

function readRegion({ where, value }: Said): Read<RegionChoice> {
  const item = regionItem.safeParse(typeof value === 'string' ? { region: value } : value)
  if (!item.success) return { what: `${show(value)} is not allowed`, allowed: ITEM }
  const read = regionName(item.data.region)
  if (!('value' in read)) return read
  const { network, zones = null, cidr = null } = item.data
  if (cidr !== null && readCidr(cidr)?.bits !== 16)
    return { what: `cidr ${cidr} is not allowed`, allowed: 'Give a /16, like 172.20.0.0/16' }
  if (read.value.aws === null && network === 'private')
    return {
      what: `${read.value.name} cannot be private`,
      allowed: 'Only regions of AWS are on the private network: leave network out',
    }
  const isPublic = read.value.aws === null || network === 'public'
  if (isPublic && (zones !== null || cidr !== null))
    return {
      what: `${read.value.name} has no VPC in the plan, and so no zones and no cidr`,
      allowed: 'Leave these out: what is public keeps the network that its cloud gives it',
    }
  return { value: { where, ...read.value, isPublic, zones, cidr } }
}

type RegionName = Pick<RegionChoice, 'name' | 'cloud' | 'region' | 'aws'>

/** SkyPilot's own way to write it, `aws/us-east-1`, is understood, too. */
function regionName(value: unknown): Read<RegionName> {
  const given = asText(value).trim().toLowerCase()
  const [, cloud, region] = /^([a-z][a-z0-9-]*)[:/]([a-z0-9][a-z0-9._-]*)$/.exec(given) ?? []
  if (cloud === undefined || region === undefined) {
    const allowed = isAwsRegion(given) ? `Did you mean aws:${given}?` : REGION
    return { what: `${show(value)} is not allowed`, allowed }
  }
  const name = `${cloud}:${region}`
  if (cloud !== 'aws') return { value: { name, cloud, region, aws: null } }
  if (isAwsRegion(region)) return { value: { name, cloud, region, aws: region } }
  const near = nearest(region, AWS_REGIONS)
  return {
    what: `AWS has no region ${show(region)} that is known here`,
    allowed: near ? `Did you mean aws:${near}? ${KNOWN}` : KNOWN,
  }
}

function named({ where, value }: Said): Read<Named> {
  const read = regionName(value)
  return 'value' in read ? { value: { where, name: read.value.name } } : read
}

const VM_NAME = /^[a-z](?:[-a-z0-9]{0,24}[a-z0-9])?$/

function readVm({ where, name, value }: Said & { readonly name: string }): Read<PlanOptions['vms'][number]> {
  if (!VM_NAME.test(name))
    return {
      what: `"${name}" is not a VM’s name`,
      allowed:
        'Give at most 26 lowercase letters, digits and "-", starting with a letter and not ending in "-"',
    }
  const read = regionName(value)
  return 'value' in read ? { value: { where, name, region: read.value.name } } : read
}

const PAIR =
  'Give two regions of the plan or VMs of its file, like aws:us-east-1,lambda:us-west-1 or client,qwen-coder'

/** A name with a colon or a slash is a region, any other a VM. */
function readConnection({ where, value }: Said): Read<PlanOptions['connect'][number]> {
  const items = Array.isArray(value) ? value.map(asText) : asText(value).split(',')
  const [a = '', b = '', ...more] = items.map(item => item.trim())
  if (a === '' || b === '' || more.length > 0) return { what: `${show(value)} is not a pair`, allowed: PAIR }
  const ends: string[] = []
  for (const end of [a, b]) {
    const read = /[:/]/.test(end) ? regionName(end) : { value: { name: end } }
    if (!('value' in read)) return read
    ends.push(read.value.name)
  }
  const [from = '', to = ''] = ends
  if (from === to && !from.includes(':')) return { what: `${from} is one VM`, allowed: PAIR }
  return { value: { where, between: [from, to] } }
}

function readRange({ value }: Said): Read<string> {
  const text = asText(value).trim()
  if (readCidr(text)) return { value: text }
  return {
    what: `${show(value)} is not an IPv4 range`,
    allowed:
      'Give it in CIDR notation with no bit set behind the prefix, like 10.0.0.0/16 or 203.0.113.7/32 for one address',
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function show(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value)
  return json.length > 120 ? `${json.slice(0, 117)}…` : json
}
