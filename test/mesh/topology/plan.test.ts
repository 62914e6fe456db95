import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AWS_REGIONS, isAwsRegion, vpcChoices } from '../../../src/mesh/topology/aws.ts'
import { isWithin, overlaps } from '../../../src/mesh/topology/cidr.ts'
import { type MeshPlan, meshPlanSchema, type PlannedRegion } from '../../../src/mesh/topology/schema.ts'
import { allowedFlags, firewallOf, plan } from './plans.ts'

const overlapping = (ranges: readonly string[]) =>
  ranges.filter((range, index) => ranges.slice(0, index).some(other => overlaps(range, other)))
const own = ({ regions }: MeshPlan) => regions.filter(({ cidr }) => cidr !== null)
const addresses = ({ regions }: MeshPlan) =>
  Object.fromEntries(regions.map(({ name, cidr, subnets }) => [name, { cidr, subnets }]))

describe('addresses', () => {
  test('never overlap: VPCs, K3s’s ranges and what is taken; subnets lie in their VPC', () => {
    fc.assert(
      fc.property(allowedFlags, flags => {
        const planned = plan(flags)
        const vpcs = own(planned)
        const reserved = ['10.42.0.0/16', '10.43.0.0/16', ...(flags.taken ?? [])]
        expect(planned.reserved.map(({ cidr }) => cidr)).toEqual(reserved)
        expect(overlapping(vpcs.map(({ cidr }) => cidr ?? ''))).toEqual([])
        for (const { cidr, subnets } of vpcs) {
          expect(reserved.filter(range => overlaps(range, cidr ?? ''))).toEqual([])
          expect(overlapping(subnets.map(subnet => subnet.cidr))).toEqual([])
          expect(subnets.filter(subnet => !isWithin(subnet.cidr, cidr ?? ''))).toEqual([])
          expect(cidr).toMatch(/\/16$/)
          expect(subnets.length).toBeGreaterThan(1)
          expect(subnets.every(subnet => subnet.cidr.endsWith('/19'))).toBe(true)
        }
      }),
    )
  })

  test('stay when a region is added, the order changes, or another is main', () => {
    fc.assert(
      fc.property(allowedFlags, fc.nat(), (flags, seed) => {
        const all = addresses(plan(flags))
        const without = flags.region.filter((_, index) => index !== seed % Math.max(1, flags.region.length))
        const kept = flags.public?.filter(name => without.includes(name))
        expect(all).toMatchObject(addresses(plan({ ...flags, region: without, public: kept ?? [] })))
        expect(addresses(plan({ ...flags, region: flags.region.toReversed() }))).toEqual(all)
        const other = flags.region.find(name => name.startsWith('aws:') && !flags.public?.includes(name))
        const region = [`aws:${flags.main}`, ...flags.region]
        if (other) expect(addresses(plan({ ...flags, main: other, region }))).toEqual(all)
      }),
    )
  })

  test('a range that is taken moves the regions that had it alone', () => {
    fc.assert(
      fc.property(allowedFlags, fc.integer({ min: 192, max: 255 }), (flags, octet) => {
        const range = `10.${octet - 128}.0.0/16`
        const before = plan(flags).regions
        const after = plan({ ...flags, taken: [...(flags.taken ?? []), range] }).regions
        const moved = after.filter(({ cidr }, index) => cidr !== before[index]?.cidr)
        const had = before.filter(({ cidr }) => cidr !== null && overlaps(cidr, range))
        expect(moved.map(({ name }) => name)).toEqual(had.map(({ name }) => name))
      }),
    )
  })

  test('no region can have what another can have, nor what K3s has', () => {
    const all = AWS_REGIONS.flatMap(vpcChoices)
    expect(all).toHaveLength(AWS_REGIONS.length * 3)
    expect(overlapping([...all, '10.42.0.0/16', '10.43.0.0/16'])).toEqual([])
  })

  test('a zone has its /19 by its letter; the file may say which there are', () => {
    const regions = [
      { region: 'aws:eu-west-1', zones: ['h', 'b', 'b'] },
      { region: 'aws:us-west-1', cidr: '172.20.0.0/16' },
    ]
    const [, chosen, moved] = plan({ file: { main: 'us-east-1', regions } }).regions
    expect(chosen?.subnets).toEqual([
      { zone: 'eu-west-1b', cidr: '10.72.32.0/19' },
      { zone: 'eu-west-1h', cidr: '10.72.224.0/19' },
    ])
    expect(moved).toMatchObject({ cidr: '172.20.0.0/16', network: 'peered' })
    expect(moved?.subnets).toHaveLength(2)
  })
})

/** Whether packets get from one VPC to the other: the route tables of both, followed as AWS does. */
function isRouted({ routes, peerings }: MeshPlan, from: PlannedRegion, to: PlannedRegion): boolean {
  if (from.cidr === null || to.cidr === null) return false
  const { cidr } = to
  const route = routes
    .filter(({ region, destination }) => region === from.name && isWithin(cidr, destination))
    .sort((a, b) => Number(b.destination.split('/')[1]) - Number(a.destination.split('/')[1]))[0]
  if (route?.target === 'local') return from.name === to.name
  const peering = peerings.find(({ name }) => name === route?.target)
  return [peering?.requester, peering?.accepter].sort().join() === [from.name, to.name].sort().join()
}

const letsIn = (planned: MeshPlan, group: string, to: string, from: string) =>
  firewallOf(planned, group, to).some(
    rule => rule.protocol === 'udp' && rule.port === 51_820 && isWithin(from, rule.from),
  )

describe('who reaches whom', () => {
  test('peerings are the main region with each other one on the private network, and no more', () => {
    fc.assert(
      fc.property(allowedFlags, flags => {
        const { main, peerings, regions } = plan(flags)
        const peered = flags.region.filter(name => name.startsWith('aws:') && !flags.public?.includes(name))
        expect(main).toBe(`aws:${flags.main}`)
        expect(peerings.map(({ accepter }) => accepter)).toEqual(peered)
        expect(peerings.every(({ requester }) => requester === main)).toBe(true)
        expect(new Set(peerings.map(({ name }) => name)).size).toBe(peerings.length)
        expect(regions.filter(({ network }) => network === 'peered').map(({ name }) => name)).toEqual(peered)
        expect(regions.filter(({ network }) => network === 'main').map(({ name }) => name)).toEqual([main])
      }),
    )
  })

  test('what the pairs say is what routes and security groups do', () => {
    fc.assert(
      fc.property(allowedFlags, flags => {
        const planned = plan(flags)
        const region = (name: string) => planned.regions.find(one => one.name === name) as PlannedRegion
        for (const { between, link } of planned.pairs) {
          const [a, b] = [region(between[0]), region(between[1])]
          const direct = isRouted(planned, a, b)
          expect(isRouted(planned, b, a)).toBe(direct)
          const lets = letsIn(planned, 'lmrun-vm', a.name, b.cidr ?? '0.0.0.0/0')
          const letsBack = letsIn(planned, 'lmrun-vm', b.name, a.cidr ?? '0.0.0.0/0')
          if (link === 'direct') expect([direct, lets, letsBack]).toEqual([true, true, true])
          if (link === 'none') expect([direct, lets, letsBack]).toEqual([false, false, false])
          // One side's public address is known and open: the other one begins.
          if (link === 'tunnel') expect([direct, lets || letsBack]).toEqual([false, true])
        }
      }),
    )
  })

  test('every two regions are a pair, once; it is a tunnel when one is outside', () => {
    fc.assert(
      fc.property(allowedFlags, flags => {
        const { regions, pairs } = plan(flags)
        const keys = pairs.map(({ between }) => between.toSorted().join())
        expect(new Set(keys).size).toBe((regions.length * (regions.length + 1)) / 2)
        expect(keys).toHaveLength(new Set(keys).size)
        const isPublic = (name: string) => regions.some(one => one.name === name && one.network === 'public')
        for (const { between, link } of pairs) expect(between.some(isPublic)).toBe(link === 'tunnel')
      }),
    )
  })

  test('all of it is the same, whichever order the regions come in', () => {
    fc.assert(
      fc.property(allowedFlags, flags => {
        const links = ({ pairs }: MeshPlan) =>
          pairs.map(({ between, link, why }) => `${between.toSorted().join()} ${link} ${why}`).sort()
        expect(links(plan({ ...flags, region: flags.region.toReversed() }))).toEqual(links(plan(flags)))
      }),
    )
  })
})

describe('security groups', () => {
  const ports = (planned: MeshPlan, name: string, region: string) =>
    firewallOf(planned, name, region).map(({ protocol, port, from }) => `${protocol} ${port} ${from}`)

  test('without anybody outside, nothing but ssh is open to the world', () => {
    const planned = plan({ main: 'us-east-1', region: ['aws:eu-west-1'], sshFrom: ['203.0.113.0/24'] })
    expect(JSON.stringify(planned.securityGroups)).not.toContain('0.0.0.0/0')
    expect(ports(planned, 'lmrun-main', 'aws:us-east-1')).toEqual([
      'tcp 22 203.0.113.0/24',
      'udp 51820 10.64.0.0/16',
      'udp 51820 10.72.0.0/16',
      'tcp 6443 10.64.0.0/16',
      'tcp 6443 10.72.0.0/16',
    ])
  })

  test('the API is open on the main node alone; WireGuard to the world only where it must be', () => {
    fc.assert(
      fc.property(allowedFlags, flags => {
        const { securityGroups, regions } = plan(flags)
        const outside = regions.filter(({ network }) => network === 'public').map(({ name }) => name)
        for (const { name, region, rules } of securityGroups) {
          const isMain = name === 'lmrun-main'
          const world = rules.filter(({ from, port }) => from === '0.0.0.0/0' && port !== 22)
          const expected =
            isMain && outside.length > 0 ? [51_820, 6443] : outside.includes(region) ? [51_820] : []
          expect(world.map(({ port }) => port)).toEqual(isMain || outside.includes(region) ? expected : [])
          expect(rules.some(({ port }) => port === 6443)).toBe(isMain)
        }
        expect(securityGroups.filter(({ name }) => name === 'lmrun-main')).toHaveLength(1)
        expect(securityGroups.filter(({ name }) => name === 'lmrun-vm').map(({ region }) => region)).toEqual(
          regions.map(({ name }) => name),
        )
      }),
    )
  })
})

describe('the document', () => {
  test('is of its schema, through JSON', () => {
    fc.assert(
      fc.property(allowedFlags, flags => {
        const planned = plan(flags)
        expect(meshPlanSchema.parse(JSON.parse(JSON.stringify(planned)))).toEqual(planned)
      }),
    )
  })

  test('is read also when a later version says more', () => {
    const planned = plan({ main: 'us-east-1' })
    expect(meshPlanSchema.parse({ ...planned, later: 1 })).toEqual(planned)
    expect(meshPlanSchema.safeParse({ ...planned, schema: 'lmrun.mesh-plan/v2' }).success).toBe(false)
  })

  test('says what a network that is taken means for K3s', () => {
    const { notes } = plan({ main: 'us-east-1', taken: ['10.32.0.0/11', '10.0.0.0/16'] })
    expect(notes.filter(note => note.includes('K3s'))).toEqual([expect.stringContaining('10.32.0.0/11')])
  })
})

test('the ranges of regions are for ever', () => {
  const table = AWS_REGIONS.map(name => (isAwsRegion(name) ? `${name} ${vpcChoices(name)[0]}` : name))
  expect(table).toMatchInlineSnapshot(`
    [
      "us-east-1 10.64.0.0/16",
      "us-east-2 10.65.0.0/16",
      "us-west-1 10.66.0.0/16",
      "us-west-2 10.67.0.0/16",
      "ca-central-1 10.68.0.0/16",
      "ca-west-1 10.69.0.0/16",
      "mx-central-1 10.70.0.0/16",
      "sa-east-1 10.71.0.0/16",
      "eu-west-1 10.72.0.0/16",
      "eu-west-2 10.73.0.0/16",
      "eu-west-3 10.74.0.0/16",
      "eu-central-1 10.75.0.0/16",
      "eu-central-2 10.76.0.0/16",
      "eu-north-1 10.77.0.0/16",
      "eu-south-1 10.78.0.0/16",
      "eu-south-2 10.79.0.0/16",
      "af-south-1 10.80.0.0/16",
      "il-central-1 10.81.0.0/16",
      "me-central-1 10.82.0.0/16",
      "me-south-1 10.83.0.0/16",
      "ap-east-1 10.84.0.0/16",
      "ap-east-2 10.85.0.0/16",
      "ap-northeast-1 10.86.0.0/16",
      "ap-northeast-2 10.87.0.0/16",
      "ap-northeast-3 10.88.0.0/16",
      "ap-south-1 10.89.0.0/16",
      "ap-south-2 10.90.0.0/16",
      "ap-southeast-1 10.91.0.0/16",
      "ap-southeast-2 10.92.0.0/16",
      "ap-southeast-3 10.93.0.0/16",
      "ap-southeast-4 10.94.0.0/16",
      "ap-southeast-5 10.95.0.0/16",
      "ap-southeast-6 10.96.0.0/16",
      "ap-southeast-7 10.97.0.0/16",
      "cn-north-1 10.98.0.0/16",
      "cn-northwest-1 10.99.0.0/16",
      "us-gov-east-1 10.100.0.0/16",
      "us-gov-west-1 10.101.0.0/16",
    ]
  `)
})
