import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AWS_REGIONS } from '../../../src/mesh/topology/aws.ts'
import { gather } from '../../../src/mesh/topology/given.ts'
import { planMesh } from '../../../src/mesh/topology/plan.ts'
import { type Asked, plan, refusals } from './plans.ts'

const FILE = { main: 'us-east-1', regions: ['aws:eu-west-1', 'aws:ap-south-1', 'lambda:us-west-1'] }

describe('connections', () => {
  const vms = { client: 'aws:us-east-1', coder: 'aws:eu-west-1', sky: 'lambda:us-west-1' }

  test('of VMs and regions, as flags and in a file', () => {
    const connect = [['client', 'coder'], 'coder, sky', ['aws:us-east-1', 'aws/AP-south-1']]
    const planned = plan({ file: { ...FILE, vms, connect }, connect: ['aws:eu-west-1,aws:eu-west-1'] })
    expect(planned.connections.map(({ between, link }) => `${between.join(' ')}: ${link}`)).toEqual([
      'client coder: direct',
      'coder sky: tunnel',
      'aws:us-east-1 aws:ap-south-1: direct',
      'aws:eu-west-1 aws:eu-west-1: direct',
    ])
  })

  test('outside the main region on the private network are refused, all of them, with the way out', () => {
    const file = { ...FILE, vms, connect: [['coder', 'aws:ap-south-1']] }
    const asked = { file, connect: ['aws:eu-west-1,aws:ap-south-1'] }
    expect(refusals(asked)).toEqual([
      expect.stringMatching(/^mesh.yaml: connect, item 1: coder \(aws:eu-west-1\) and aws:ap-south-1 cannot/),
      expect.stringMatching(/^--connect: .* are outside .* aws:us-east-1 on the private .* not transitive$/),
    ])
    expect(() => plan(asked)).toThrow('Put one of the two in aws:us-east-1')
    expect(() => plan(asked)).toThrow('--public aws:ap-south-1')
  })

  test('the way out works', () => {
    const connect = ['aws:eu-west-1,aws:ap-south-1']
    const links = (asked: Asked) => plan({ ...asked, connect }).connections.map(({ link }) => link)
    expect(links({ file: FILE, public: ['aws:ap-south-1'] })).toEqual(['tunnel'])
    const regions = ['aws:eu-west-1', { region: 'aws:ap-south-1', zones: ['a'], cidr: '172.20.0.0/16' }]
    const settled = { main: 'us-east-1', regions }
    expect(links({ file: settled, public: ['aws:ap-south-1'] })).toEqual(['tunnel'])
    expect(links({ file: FILE, main: 'ap-south-1', region: ['aws:us-east-1'] })).toEqual(['direct'])
  })

  test.each<[string, unknown, string]>([
    ['a VM with itself', ['client', 'client'], 'client is one VM'],
    ['one end', ['client'], '["client"] is not a pair'],
    ['three ends', 'client,coder,sky', '"client,coder,sky" is not a pair'],
    ['something else', { client: 'coder' }, '{"client":"coder"} is not a pair'],
    ['an unknown VM', ['client', 'codr'], 'codr is not in the plan'],
    ['an unknown region', ['client', 'gcp:x'], 'gcp:x is not in the plan'],
    ['a region that AWS has not', ['client', 'aws:x'], 'AWS has no region "x" that is known here'],
  ])('%s is refused', (_, pair, message) => {
    const found = refusals({ file: { ...FILE, vms, connect: [pair] } })
    expect(found).toEqual([`mesh.yaml: connect, item 1: ${message}`])
  })
})

describe('the main region', () => {
  test('is in the plan and first, whether it is listed or not; the flag wins', () => {
    const names = (asked: Asked) => plan(asked).regions.map(({ name }) => name)
    expect(names({ file: FILE })).toEqual(['aws:us-east-1', ...FILE.regions])
    expect(names({ file: FILE, main: 'aws/ap-south-1' })).toEqual([
      'aws:ap-south-1',
      'aws:eu-west-1',
      'lambda:us-west-1',
    ])
    expect(names({ main: 'us-east-1' })).toEqual(['aws:us-east-1'])
  })

  test('comes from elsewhere last', () => {
    const elsewhere = [
      { where: 'AWS_DEFAULT_REGION', value: 'eu-west-2' },
      { where: '.env: AWS_DEFAULT_REGION', value: 'eu-west-3' },
    ]
    expect(planMesh(gather({}, null, elsewhere)).main).toBe('aws:eu-west-2')
    expect(planMesh(gather({}, { name: 'm', content: { main: 'us-east-1' } }, elsewhere)).main).toBe(
      'aws:us-east-1',
    )
    const wrong = [{ where: '.env: AWS_DEFAULT_REGION', value: 'eu' }]
    expect(() => planMesh(gather({}, null, wrong))).toThrow('.env: AWS_DEFAULT_REGION: "eu" is not allowed')
  })
})

describe('bad input', () => {
  const region = (item: unknown) => ({ file: { main: 'us-east-1', regions: [item] } })
  const taken = ['10.64.0.0/10', '10.128.0.0/9']

  test.each<[string, Asked, string]>([
    ['no main', { region: ['aws:eu-west-1'] }, '--main: is required'],
    ['a main elsewhere', { main: 'gcp:us-central1' }, '--main: "gcp:us-central1" is not on AWS'],
    ['a zone as main', { main: 'us-east-1a' }, '--main: "us-east-1a" is not allowed'],
    ['a list as main', { file: { main: ['us-east-1'] } }, 'mesh.yaml: main: ["us-east-1"] is not allowed'],
    [
      'a public main',
      { main: 'us-east-1', public: ['aws:us-east-1'] },
      'is the main region, and cannot be public',
    ],
    [
      'an unknown public one',
      { main: 'us-east-1', public: ['aws:eu-west-1'] },
      '--public: aws:eu-west-1 is not in',
    ],
    ['a region that AWS has not', region('aws:eu-wst-1'), 'item 1: AWS has no region "eu-wst-1"'],
    ['a region without a cloud', region('us-west-2'), '"us-west-2" is not allowed'],
    ['a region twice', { file: FILE, region: ['aws:eu-west-1'] }, '--region: aws:eu-west-1 is there already'],
    [
      'the main region twice',
      { main: 'us-east-1', region: ['aws:us-east-1', 'aws/us-east-1'] },
      '--region: aws:us-east-1 is',
    ],
    ['a number as region', region(1), 'item 1: 1 is not allowed'],
    ['an unknown setting', region({ region: 'aws:eu-west-1', zone: 'a' }), 'is not allowed'],
    ['a zone that cannot be', region({ region: 'aws:eu-west-1', zones: ['i'] }), 'is not allowed'],
    ['no zones', region({ region: 'aws:eu-west-1', zones: [] }), 'is not allowed'],
    ['another cloud, private', region({ region: 'gcp:x', network: 'private' }), 'gcp:x cannot be private'],
    [
      'zones of a public one',
      region({ region: 'aws:eu-west-1', network: 'public', zones: ['a'] }),
      'no VPC in the plan',
    ],
    ['zones of another cloud', region({ region: 'gcp:x', zones: ['a'] }), 'no VPC in the plan'],
    ['another partition', region('aws:cn-north-1'), 'no peering between them'],
    [
      'a VPC of another size',
      region({ region: 'aws:eu-west-1', cidr: '172.20.0.0/17' }),
      'cidr 172.20.0.0/17',
    ],
    [
      'another’s VPC',
      region({ region: 'aws:eu-west-1', cidr: '10.100.0.0/16' }),
      '10.100.0.0/16 cannot be aws:eu-west-1’s',
    ],
    [
      'a public VPC',
      region({ region: 'aws:eu-west-1', cidr: '8.8.0.0/16' }),
      '8.8.0.0/16 cannot be aws:eu-west-1’s',
    ],
    [
      'K3s’s range',
      region({ region: 'aws:eu-west-1', cidr: '10.42.0.0/16' }),
      'overlaps 10.42.0.0/16 (K3s: pods)',
    ],
    [
      'a VPC that is taken',
      { ...region({ region: 'aws:eu-west-1', cidr: '172.20.0.0/16' }), taken: ['172.16.0.0/12'] },
      'overlaps 172.16.0.0/12 (taken)',
    ],
    [
      'nothing that is free',
      { main: 'us-east-1', taken },
      'aws:us-east-1 can have 10.64.0.0/16, 10.128.0.0/16, 10.192.0.0/16, and all are taken',
    ],
    [
      'a range with bits behind its prefix',
      { main: 'us-east-1', taken: ['10.1.0.0/8'] },
      '--taken: "10.1.0.0/8"',
    ],
    ['an address as range', { main: 'us-east-1', sshFrom: ['203.0.113.7'] }, '--ssh-from: "203.0.113.7"'],
    ['a VM’s name', { file: { ...FILE, vms: { 'Qwen.': 'aws:eu-west-1' } } }, '"Qwen." is not a VM’s name'],
    [
      'a VM elsewhere',
      { file: { ...FILE, vms: { a: 'gcp:x' } } },
      'mesh.yaml: vms.a: gcp:x is not in the plan',
    ],
    ['a VM nowhere', { file: { ...FILE, vms: { a: null } } }, 'mesh.yaml: vms.a: null is not allowed'],
    ['a key', { file: { ...FILE, region: [] } }, 'mesh.yaml: region: there is no such key'],
    ['a list of VMs', { file: { ...FILE, vms: ['a'] } }, 'mesh.yaml: vms: is not a map'],
    ['a map of regions', { file: { regions: { a: 1 } } }, 'mesh.yaml: regions: is not a list'],
    ['a file of something else', { file: 'aws:us-east-1' }, 'mesh.yaml: is not a map'],
  ])('%s is refused', (_, asked, message) => {
    const found = refusals(asked)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(message)
  })

  test('all at once, and with the regions that there are', () => {
    const asked = { main: 'x', region: ['aws:y', 'z'], taken: ['1'], connect: ['a'], sshFrom: ['::/0'] }
    expect(refusals(asked)).toHaveLength(6)
    expect(() => plan({ main: 'us-east-1', region: ['aws:y'] })).toThrow(AWS_REGIONS.join(', '))
  })

  test('two VPCs that were asked for do not overlap', () => {
    const regions = ['eu-west-1', 'eu-west-2'].map(name => ({ region: `aws:${name}`, cidr: '172.20.0.0/16' }))
    expect(refusals({ file: { main: 'us-east-1', regions } })).toEqual([
      'mesh.yaml: regions, item 2: 172.20.0.0/16 overlaps 172.20.0.0/16 (aws:eu-west-1)',
    ])
  })

  test('unless one of them is made public after all', () => {
    const regions = ['eu-west-1', 'eu-west-2'].map(name => ({ region: `aws:${name}`, cidr: '172.20.0.0/16' }))
    const planned = plan({ file: { main: 'us-east-1', regions }, public: ['aws:eu-west-1'] })
    expect(planned.regions.map(({ cidr }) => cidr)).toEqual(['10.64.0.0/16', null, '172.20.0.0/16'])
  })

  test('a region’s own later choice may be asked for', () => {
    const regions = [{ region: 'aws:eu-west-1', cidr: '10.200.0.0/16' }]
    expect(plan({ file: { main: 'us-east-1', regions } }).regions[1]?.cidr).toBe('10.200.0.0/16')
  })

  test('flags add to the lists of a file, but who may use ssh is said anew', () => {
    const file = { ...FILE, taken: '10.0.0.0/16', 'ssh-from': ['203.0.113.0/24'] }
    const planned = (flags: Asked) => {
      const { reserved, securityGroups } = plan({ file, taken: ['10.1.0.0/16'], ...flags })
      const ssh = securityGroups.flatMap(({ rules }) => rules.filter(({ port }) => port === 22))
      return [...reserved.slice(2).map(({ cidr }) => cidr), ...new Set(ssh.map(({ from }) => from))]
    }
    expect(planned({})).toEqual(['10.0.0.0/16', '10.1.0.0/16', '203.0.113.0/24'])
    expect(planned({ sshFrom: ['198.51.100.7/32'] })).toEqual([
      '10.0.0.0/16',
      '10.1.0.0/16',
      '198.51.100.7/32',
    ])
  })

  test('an empty file says nothing', () => {
    expect(plan({ main: 'us-east-1', file: null }).regions).toHaveLength(1)
    expect(
      plan({ main: 'us-east-1', file: { regions: null, vms: null, taken: '10.0.0.0/16' } }).reserved,
    ).toHaveLength(3)
  })

  test('of any kind is told, and never a bug', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('aws:us-east-1', 'a,b', '10.0.0.0/8', ['a', 'b']))
    const file = fc.dictionary(
      fc.constantFrom('main', 'regions', 'vms', 'connect', 'taken', 'ssh-from'),
      value,
    )
    fc.assert(
      fc.property(fc.oneof(file, value), content => {
        for (const message of refusals({ main: 'us-east-1', file: content }))
          expect(message).not.toContain('undefined')
      }),
    )
  })
})
