import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Join } from '../../src/mesh-join.ts'
import { dryRunText } from '../../src/node/dry-run.ts'
import { planAgent, planServer, serverHost } from '../../src/node/plan.ts'
import type { K3sPlan, VmFacts } from '../../src/node/types.ts'

const SECRET = '0123456789abcdef'
const join: Join = {
  version: 1,
  main: {
    mesh: 'main',
    privateIp: '172.31.0.10',
    publicIp: '198.51.100.10',
    port: 6443,
    cloud: 'aws',
    region: 'us-east-1',
  },
  token: `K10${'a'.repeat(64)}::abcdef.${SECRET}`,
  expiresAt: 2_000_000_000,
  launch: 'x8d3a',
  labels: { 'lmrun-run': '17', 'lmrun-attempt': '1' },
}
const near: VmFacts = {
  vm: 'qwen-coder',
  cloud: 'aws',
  region: 'us-east-1',
  rank: 0,
  nodes: 1,
  nodeIps: ['172.31.4.5'],
  interface: 'ens5',
  privateIp: '172.31.4.5',
  publicIp: null,
  mtu: 9001,
  mainIsNear: true,
}
const far: VmFacts = {
  ...near,
  cloud: 'lambda',
  region: 'us-west-1',
  interface: 'eth0',
  privateIp: '10.19.1.2',
  publicIp: '203.0.113.7',
  mtu: 1460,
  mainIsNear: false,
}

/** As files on disk are read. */
function show({ files, ...plan }: K3sPlan): string {
  const texts = files.map(({ path, mode, content }) => `=== ${path} ${mode.toString(8)}\n${content}`)
  return `${JSON.stringify(plan)}\n${texts.join('')}`
}

function config({ files }: K3sPlan): Record<string, unknown> {
  return parse(files.find(({ path }) => path === '/etc/rancher/k3s/config.yaml')?.content ?? '')
}

describe('what K3s is started with', () => {
  test('main', async () => {
    const facts = { ...near, vm: 'main', publicIp: '198.51.100.10' }
    await expect(show(planServer(facts, 'm4in0'))).toMatchFileSnapshot('golden/plan-main.txt')
  })

  test('a VM near main', async () => {
    await expect(show(planAgent(near, join, 'x8d3a'))).toMatchFileSnapshot('golden/plan-near.txt')
  })

  test('a VM of another cloud', async () => {
    await expect(show(planAgent(far, join, 'x8d3a'))).toMatchFileSnapshot('golden/plan-far.txt')
  })

  test('main without a public address is known by its private one alone', () => {
    const plan = config(planServer({ ...near, vm: 'main' }, 'm4in0'))
    expect(plan).not.toHaveProperty('node-external-ip')
    expect(plan).not.toHaveProperty('flannel-external-ip')
    expect(plan['tls-san']).toEqual(['172.31.4.5'])
  })

  test('each rank of a VM is a Node of its own', () => {
    const names = [0, 1].map(rank => planAgent({ ...near, rank, nodes: 2 }, join, 'x8d3a').nodeName)
    expect(names).toEqual(['qwen-coder.0.x8d3a', 'qwen-coder.1.x8d3a'])
  })

  test.each([
    [true, '172.31.0.10', '198.51.100.10', '172.31.0.10'],
    [false, '172.31.0.10', '198.51.100.10', '198.51.100.10'],
    [false, '172.31.0.10', null, '172.31.0.10'],
    [true, null, '198.51.100.10', '198.51.100.10'],
  ])('near: %s, main at %s and %s is reached at %s', (mainIsNear, privateIp, publicIp, expected) => {
    const main = { ...join.main, privateIp, publicIp }
    expect(serverHost({ mainIsNear }, { ...join, main })).toBe(expected)
  })
})

describe('whatever the VM', () => {
  const anyFacts = fc.record({
    vm: fc.stringMatching(/^[a-z][-a-z0-9]{0,20}[a-z0-9]$/),
    cloud: fc.option(fc.constantFrom('aws', 'gcp', 'lambda')),
    region: fc.option(fc.constantFrom('us-east-1', 'europe-west4')),
    rank: fc.nat(7),
    nodes: fc.constant(8),
    nodeIps: fc.constant([]),
    interface: fc.constantFrom('eth0', 'ens5'),
    privateIp: fc.ipV4(),
    publicIp: fc.option(fc.ipV4()),
    mtu: fc.integer({ min: 1280, max: 9216 }),
    mainIsNear: fc.boolean(),
  }) satisfies fc.Arbitrary<VmFacts>

  test('the token is in its own file alone, which root alone reads; no unit has it', () => {
    fc.assert(
      fc.property(anyFacts, facts => {
        const plan = planAgent(facts, join, 'x8d3a')
        const holding = plan.files.filter(({ content }) => content.includes(SECRET))
        expect(holding.map(({ path, mode }) => [path, mode])).toEqual([['/etc/rancher/k3s/token', 0o600]])
        expect(dryRunText('', plan.files)).not.toContain(SECRET)
      }),
    )
  })

  test('packets fit the way between clouds, and NATs do not forget it', () => {
    fc.assert(
      fc.property(anyFacts, facts => {
        for (const plan of [planAgent(facts, join, 'x8d3a'), planServer(facts, 'x8d3a')]) {
          const file = plan.files.find(({ path }) => path === '/etc/rancher/k3s/flannel.json')
          const { Backend } = JSON.parse(file?.content ?? '') as { Backend: Record<string, unknown> }
          expect(Backend.MTU).toBe(Math.min(facts.mtu, 1500))
          expect(Backend.PersistentKeepaliveInterval).toBe(25)
        }
      }),
    )
  })

  test('its public address is told when it is not near, and only then', () => {
    fc.assert(
      fc.property(anyFacts, facts => {
        const told = config(planAgent(facts, join, 'x8d3a'))['node-external-ip']
        expect(told).toBe(facts.mainIsNear ? undefined : (facts.publicIp ?? undefined))
      }),
    )
  })

  test('no ordinary pod comes to it', () => {
    fc.assert(
      fc.property(anyFacts, facts => {
        expect(config(planAgent(facts, join, 'x8d3a'))['node-taint']).toEqual([
          'lmrun-mesh-role=vm:NoSchedule',
        ])
      }),
    )
  })
})
