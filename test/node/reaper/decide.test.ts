import type { V1EndpointSlice, V1Node, V1Service } from '@kubernetes/client-node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Action, decide, type Memory, NOTHING, type World } from '../../../src/node/reaper/decide.ts'
import { type Beat, judge } from '../../../src/node/reaper/judge.ts'

const NAME = 'qwen.0.aaaaa'
const GRACE_MS = 60_000
type Kubelet = 'True' | 'False' | 'Unknown' | null

function node(kubelet: Kubelet, labels: Record<string, string> = {}): V1Node {
  const conditions = kubelet === null ? [] : [{ type: 'Ready', status: kubelet }]
  return {
    metadata: { name: NAME, uid: 'u1', labels: { 'lmrun-vm': 'qwen', ...labels } },
    spec: { podCIDR: '10.42.1.0/24' },
    status: { conditions },
  }
}

function slice(ready: boolean | undefined, headless = false): V1EndpointSlice {
  return {
    addressType: 'IPv4',
    metadata: {
      name: NAME,
      labels: { 'kubernetes.io/service-name': 'qwen', 'lmrun-headless': String(headless) },
    },
    ports: [{ name: 'http', port: 8000, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.42.1.0'], conditions: ready === undefined ? {} : { ready } }],
  }
}

interface Given {
  readonly kubelet?: Kubelet
  readonly beat?: Beat
  readonly ready?: boolean
  readonly headless?: boolean
  readonly labels?: Record<string, string>
  readonly now?: number
  readonly service?: V1Service
  readonly gone?: boolean
}

function world({ kubelet = 'True', beat = 'alive', ready = true, now = 0, ...given }: Given): World {
  const { headless = false, labels = {}, service, gone = false } = given
  return {
    nodes: new Map(gone ? [] : [[NAME, node(kubelet, labels)]]),
    services: new Map(service ? [['qwen', service]] : []),
    slices: new Map(gone ? [] : [[NAME, slice(ready, headless)]]),
    bindings: {
      metadata: { resourceVersion: '1' },
      data: gone ? {} : { qwen: 'aaaaa', [NAME]: '10.42.1.0' },
    },
    beatOf: () => beat,
    now,
  }
}

function does(given: Given, memory: Memory = NOTHING): Action['do'][] {
  return decide(world(given), memory, GRACE_MS).actions.map(action => action.do)
}

/** As the API server fills it in. */
function there(given: Given = {}): V1Service {
  const action = decide(world(given), NOTHING, GRACE_MS).actions.find(({ do: what }) => what === 'apply')
  if (action?.do !== 'apply') throw new Error('no Service is wanted')
  const { spec, metadata } = action.service
  return { metadata: { ...metadata, uid: 's1' }, spec: { clusterIP: '10.43.0.9', ...spec } }
}

describe('who is heard of', () => {
  test.for([
    ['True', 'alive', 'well'],
    ['True', 'none', 'well'],
    ['True', 'expired', 'out'],
    ['False', 'alive', 'out'],
    ['False', 'none', 'out'],
    ['False', 'expired', 'out'],
    ['Unknown', 'alive', 'well'],
    ['Unknown', 'none', 'dead'],
    ['Unknown', 'expired', 'dead'],
    [null, 'alive', 'well'],
    [null, 'none', 'well'],
    [null, 'expired', 'dead'],
  ] as const)('kubelet %s, beat %s: %s', ([kubelet, beat, verdict]) => {
    expect(judge(node(kubelet), beat)).toBe(verdict)
  })

  test('who is not well is called unready at once, and once', () => {
    const service = there()
    expect(does({ service })).toEqual([])
    expect(does({ service, beat: 'expired' })).toEqual(['unready'])
    expect(does({ service, kubelet: 'False' })).toEqual(['unready'])
    expect(does({ service, kubelet: 'Unknown' })).toEqual([])
    expect(does({ service, kubelet: 'Unknown', beat: 'expired' })).toEqual(['unready'])
    expect(does({ service, beat: 'expired', ready: false })).toEqual([])
  })

  test('the dead are deleted after a whole grace; who came back in between begins anew', () => {
    const dead = { service: there(), kubelet: 'Unknown', beat: 'expired', ready: false } as const
    const at = (now: number, memory: Memory, given: Given = dead) =>
      decide(world({ ...given, now }), memory, GRACE_MS)
    const first = at(0, NOTHING)
    expect(first.actions).toEqual([])
    expect(at(GRACE_MS - 1, first.memory).actions).toEqual([])
    expect(at(GRACE_MS, first.memory).actions.map(({ do: what }) => what)).toEqual(['delete'])
    const back = at(GRACE_MS - 1, first.memory, { ...dead, beat: 'alive' })
    expect(at(GRACE_MS, back.memory).actions).toEqual([])
  })

  test('main’s own Node stays', () => {
    const memory = { ...NOTHING, dead: new Map([['u1', 0]]) }
    const dead = { service: there(), kubelet: 'Unknown', beat: 'none', ready: false, now: GRACE_MS } as const
    expect(does(dead, memory)).toEqual(['delete'])
    expect(does({ ...dead, labels: { 'lmrun-mesh-role': 'main' } }, memory)).toEqual([])
  })

  test('whatever is seen, no Node is deleted that anybody speaks for', () => {
    const step = fc.record({
      kubelet: fc.constantFrom<Kubelet>('True', 'False', 'Unknown', null),
      beat: fc.constantFrom<Beat>('alive', 'expired', 'none'),
      later: fc.nat(GRACE_MS),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), steps => {
        let memory = NOTHING
        let now = 0
        let deadFor = 0
        for (const { kubelet, beat, later } of steps) {
          now += later
          const isDead = judge(node(kubelet), beat) === 'dead'
          deadFor = isDead && memory.dead.size > 0 ? deadFor + later : 0
          const { actions, memory: next } = decide(world({ kubelet, beat, now }), memory, GRACE_MS)
          expect(actions.some(({ do: what }) => what === 'delete')).toBe(isDead && deadFor >= GRACE_MS)
          memory = next
        }
      }),
    )
  })
})

test('bindings that are not there are made, with what there is to be written', () => {
  const without = (given: Given) =>
    decide({ ...world(given), bindings: undefined }, NOTHING, GRACE_MS).actions[0]
  const patch = { qwen: 'aaaaa', [NAME]: '10.42.1.0' }
  expect(without({})).toEqual({ do: 'bind', patch, resourceVersion: null })
  expect(without({ gone: true })).toEqual({ do: 'bind', patch: {}, resourceVersion: null })
})

describe('Services', () => {
  test('one for each VM that publishes, with its ports and whose it is', () => {
    const labels = { 'lmrun-run': '42', 'lmrun-expiry': '9', elsewhere: 'x' }
    expect(there({ labels })).toMatchObject({
      metadata: { name: 'qwen', labels: { 'lmrun-vm': 'qwen', 'lmrun-run': '42', 'lmrun-expiry': '9' } },
      spec: { ports: [{ name: 'http', port: 8000, targetPort: 8000, protocol: 'TCP' }] },
    })
    expect(there({ labels }).metadata?.labels).not.toHaveProperty('elsewhere')
    expect(there({ headless: true }).spec?.clusterIP).toBe('None')
  })

  test('one that is as it should is left alone; another is changed, or made anew to turn headless', () => {
    expect(does({ service: there() })).toEqual([])
    expect(does({ service: { ...there(), spec: { clusterIP: '10.43.0.9', ports: [{ port: 1 }] } } })).toEqual(
      ['apply'],
    )
    expect(does({ service: there(), labels: { 'lmrun-run': '42' } })).toEqual(['apply'])
    expect(does({ service: there(), headless: true })).toEqual(['replace'])
    expect(does({ service: there({ headless: true }) })).toEqual(['replace'])
  })

  test('somebody else’s is never touched', () => {
    const service = { metadata: { name: 'qwen' }, spec: { ports: [{ port: 1 }] } }
    expect(does({ service })).toEqual([])
    expect(
      does({ service, gone: true, now: GRACE_MS * 2 }, { ...NOTHING, gone: new Map([['qwen', 0]]) }),
    ).toEqual([])
  })

  test('one without a VM goes after a grace; that of a run not before the run is over', () => {
    const expiry = (seconds: number): V1Service => ({
      metadata: { name: 'qwen', labels: { 'lmrun-vm': 'qwen', 'lmrun-expiry': String(seconds) } },
    })
    const since = { ...NOTHING, gone: new Map([['qwen', 0]]) }
    const gone = { gone: true, now: GRACE_MS }
    expect(does({ ...gone, service: there() }, since)).toEqual(['drop'])
    expect(does({ ...gone, service: there() })).toEqual([])
    expect(does({ ...gone, now: GRACE_MS - 1, service: there() }, since)).toEqual([])
    expect(does({ ...gone, service: expiry(60) }, since)).toEqual(['drop'])
    expect(does({ ...gone, service: expiry(61) }, since)).toEqual([])
  })

  test('a slice of a launch that has not the name makes none, nor one whose Node has gone', () => {
    const given = world({})
    const another = { metadata: { name: 'qwen.0.zzzzz', uid: 'u2' } }
    const bindings = { metadata: { resourceVersion: '1' }, data: { qwen: 'zzzzz' } }
    const nodes = new Map([...given.nodes, ['qwen.0.zzzzz', another]])
    expect(decide({ ...given, nodes, bindings }, NOTHING, GRACE_MS).actions).toEqual([])
    const gone = { ...given, nodes: new Map<string, V1Node>() }
    expect(decide(gone, NOTHING, GRACE_MS).actions.map(({ do: what }) => what)).toEqual(['bind'])
  })

  test('whose it is, is said by a Node of the launch that has the name', () => {
    const given = world({ labels: { 'lmrun-run': '42' } })
    const thief = { metadata: { name: 'qwen.0.00000', uid: 'u0', labels: { 'lmrun-run': '7' } } }
    const nodes = new Map([['qwen.0.00000', thief], ...given.nodes])
    const { actions } = decide({ ...given, nodes }, NOTHING, GRACE_MS)
    expect(actions).toMatchObject([{ do: 'apply', service: { metadata: { labels: { 'lmrun-run': '42' } } } }])
  })
})
