import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { nodeName, readNodeName } from '../../src/mesh-names.ts'
import { knownFacts, makeLaunch } from '../../src/node/facts.ts'
import { defaultInterface, isPrivate } from '../../src/node/network.ts'

const NETWORK = { interface: 'ens5', address: '172.31.4.5', mtu: 9001 }
const INFO = JSON.stringify({ cluster_name: 'qwen-coder', cloud: 'AWS', region: 'us-east-1', zone: null })

describe('what a VM knows of itself', () => {
  test('by SkyPilot', () => {
    const env = {
      SKYPILOT_CLUSTER_INFO: INFO,
      SKYPILOT_NUM_NODES: '2',
      SKYPILOT_SETUP_NODE_RANK: '1',
      SKYPILOT_SETUP_NODE_IPS: '172.31.4.4\n172.31.4.5',
    }
    expect(knownFacts(env, NETWORK, null)).toEqual({
      vm: 'qwen-coder',
      cloud: 'aws',
      region: 'us-east-1',
      rank: 1,
      nodes: 2,
      nodeIps: ['172.31.4.4', '172.31.4.5'],
      interface: 'ens5',
      privateIp: '172.31.4.5',
      mtu: 9001,
    })
  })

  test('by hand, with a name', () => {
    expect(knownFacts({}, NETWORK, 'box')).toMatchObject({ vm: 'box', cloud: null, rank: 0, nodes: 1 })
  })

  test.each([
    [{}, /nobody says what this VM is called\. Keep the environment, as in sudo -E/],
    [{ SKYPILOT_CLUSTER_INFO: '{' }, /nobody says/],
    [{ SKYPILOT_CLUSTER_INFO: '{"cluster_name": "Qwen_1"}' }, /Qwen_1 cannot be the name of a service/],
    [{ SKYPILOT_CLUSTER_INFO: `{"cluster_name": "${'a'.repeat(54)}"}` }, /cannot be the name/],
    [{ SKYPILOT_CLUSTER_INFO: INFO, SKYPILOT_NUM_NODES: '2' }, /is not set, on a VM of 2 nodes/],
    [{ SKYPILOT_CLUSTER_INFO: INFO, SKYPILOT_NODE_RANK: '1' }, /1 of 1 is none/],
  ])('%j is refused', (env, message) => {
    expect(() => knownFacts(env, NETWORK, null)).toThrow(InputError)
    expect(() => knownFacts(env, NETWORK, null)).toThrow(message)
  })
})

test('a name that is taken makes a Node name that is a label and can be read back', () => {
  const vm = fc.stringMatching(/^[a-z]([-a-z0-9]{0,51}[a-z0-9])?$/)
  fc.assert(
    fc.property(vm, name => {
      const facts = knownFacts({}, NETWORK, name)
      const node = { vm: facts.vm, rank: facts.rank, launch: makeLaunch({}, facts) }
      expect(nodeName(node).length).toBeLessThanOrEqual(63)
      expect(readNodeName(nodeName(node))).toEqual(node)
    }),
  )
})

describe('the launch part of a name', () => {
  const two = { nodes: 2, nodeIps: ['10.0.0.1', '10.0.0.2'] }

  test('is the same on all ranks, and another at the next launch', () => {
    const launch = makeLaunch({ SKYPILOT_TASK_ID: 'sky-1' }, two)
    expect(launch).toMatch(/^[a-z0-9]{5}$/)
    expect(makeLaunch({ SKYPILOT_TASK_ID: 'sky-1' }, two)).toBe(launch)
    expect(makeLaunch({ SKYPILOT_TASK_ID: 'sky-2' }, two)).not.toBe(launch)
  })

  test('of one node is new each time', () => {
    const one = { nodes: 1, nodeIps: [] }
    expect(new Set(Array.from({ length: 50 }, () => makeLaunch({}, one))).size).toBeGreaterThan(45)
  })
})

describe('the interface with the default route', () => {
  const head = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n'
  const line = (name: string, destination: string, metric: number, mask: string) =>
    `${name}\t${destination}\t0101A8C0\t0003\t0\t0\t${metric}\t${mask}\t0\t0\t0\n`

  test('is the one with the lowest metric', () => {
    const routes = [
      line('docker0', '000011AC', 0, '0000FFFF'),
      line('wlan0', '00000000', 600, '00000000'),
      line('ens5', '00000000', 100, '00000000'),
      // Half of everything, as VPNs set it, is no default.
      line('tun0', '00000000', 0, '00000080'),
    ]
    expect(defaultInterface(head + routes.join(''))).toBe('ens5')
  })

  test('is none without such a route', () => {
    expect(defaultInterface(head)).toBeNull()
    expect(defaultInterface('')).toBeNull()
  })
})

test.each([
  ['10.0.0.1', true],
  ['172.16.0.1', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['100.64.0.1', true],
  ['100.128.0.1', false],
  ['169.254.1.1', true],
  ['203.0.113.7', false],
])('%s is private: %s', (address, expected) => {
  expect(isPrivate(address)).toBe(expected)
})
