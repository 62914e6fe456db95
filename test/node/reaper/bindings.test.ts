import type { V1Node, V1Service } from '@kubernetes/client-node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeName, readNodeName } from '../../../src/mesh-names.ts'
import { bindingsPatch, nextBindings, type VmNode, vmNodes } from '../../../src/node/reaper/bindings.ts'

interface Joined {
  readonly vm: string
  readonly rank: number
  readonly launch: string
  /** Second of joining. */
  readonly at: number
  /** N of 10.42.N.0/24. */
  readonly net: number | null
}

function node({ at, net, ...name }: Joined): V1Node {
  const creationTimestamp = new Date(at * 1000).toISOString() as unknown as Date
  return {
    metadata: { name: nodeName(name), creationTimestamp, uid: `${nodeName(name)}@${at}` },
    spec: net === null ? {} : { podCIDR: `10.42.${net}.0/24` },
  }
}

function nodes(...joined: Partial<Joined>[]): VmNode[] {
  return vmNodes(
    joined.map((one, i) => node({ vm: 'qwen', rank: 0, launch: 'aaaaa', at: i, net: i + 1, ...one })),
  )
}

const nobody = new Map<string, V1Service>()

describe('bindings', () => {
  test('a name is bound to the launch that joined first, with the addresses of its Nodes', () => {
    const joined = nodes(
      { launch: 'bbbbb', at: 5 },
      { launch: 'aaaaa', at: 1 },
      { launch: 'aaaaa', rank: 1, at: 9 },
    )
    expect(nextBindings({}, joined, nobody)).toEqual({
      qwen: 'aaaaa',
      'qwen.0.aaaaa': '10.42.2.0',
      'qwen.1.aaaaa': '10.42.3.0',
    })
  })

  test('it stays bound while one Node of that launch is there, and goes to the next then', () => {
    const current = { qwen: 'bbbbb', 'qwen.0.bbbbb': '10.42.1.0' }
    const both = nodes({ launch: 'bbbbb', at: 5 }, { launch: 'aaaaa', at: 1 })
    expect(nextBindings(current, both, nobody)).toMatchObject({ qwen: 'bbbbb' })
    expect(nextBindings(current, nodes({ launch: 'aaaaa' }), nobody)).toEqual({
      qwen: 'aaaaa',
      'qwen.0.aaaaa': '10.42.1.0',
    })
    expect(nextBindings(current, [], nobody)).toEqual({})
  })

  test('a name that is the Service of somebody else is nobody’s', () => {
    const kubernetes = { metadata: { name: 'kubernetes', labels: { provider: 'kubernetes' } } }
    const ours = { metadata: { name: 'qwen', labels: { 'lmrun-vm': 'qwen' } } }
    const services = new Map<string, V1Service>([
      ['kubernetes', kubernetes],
      ['qwen', ours],
    ])
    expect(nextBindings({}, nodes({ vm: 'kubernetes' }), services)).toEqual({})
    expect(nextBindings({}, nodes({}), services)).toMatchObject({ qwen: 'aaaaa' })
  })

  test('a Node without an address is bound all the same; an address is that of who joined first', () => {
    expect(nextBindings({}, nodes({ net: null }), nobody)).toEqual({ qwen: 'aaaaa' })
    const same = nodes({ vm: 'a', net: 7, at: 2 }, { vm: 'b', net: 7, at: 1 })
    expect(nextBindings({}, same, nobody)).toEqual({ a: 'aaaaa', b: 'aaaaa', 'b.0.aaaaa': '10.42.7.0' })
  })

  test('Nodes with other names are none of VMs', () => {
    const others = ['main', 'Qwen.0.aaaaa', 'qwen.0.aaaa', 'qwen.x.aaaaa', 'a.b.0.aaaaa', '']
    expect(vmNodes(others.map(name => ({ metadata: { name } })))).toEqual([])
  })

  const joined = fc.record({
    vm: fc.constantFrom('a', 'b', 'c'),
    rank: fc.nat(2),
    launch: fc.constantFrom('aaaaa', 'bbbbb', 'ccccc'),
    at: fc.nat(9),
    net: fc.option(fc.nat(4)),
  })
  const world = fc
    .uniqueArray(joined, { selector: nodeName, maxLength: 12 })
    .map(all => vmNodes(all.map(node)))
  const history = fc.array(world, { minLength: 1, maxLength: 6 })

  test('whoever comes and goes, a name is taken from nobody who is there, and no address is two’s', () => {
    fc.assert(
      fc.property(history, worlds => {
        let current: Readonly<Record<string, string>> = {}
        for (const there of worlds) {
          const next = nextBindings(current, there, nobody)
          for (const { name } of there) {
            expect(next[name.vm]).toBeDefined()
            const before = there.some(
              other => other.name.vm === name.vm && current[name.vm] === other.name.launch,
            )
            if (before) expect(next[name.vm]).toBe(current[name.vm])
          }
          const addresses = Object.entries(next).filter(([key]) => readNodeName(key))
          expect(new Set(addresses.map(([, address]) => address)).size).toBe(addresses.length)
          for (const [key] of addresses)
            expect(next[readNodeName(key)?.vm ?? '']).toBe(readNodeName(key)?.launch)
          expect(nextBindings(next, there, nobody)).toEqual(next)
          current = next
        }
      }),
    )
  })

  test('the patch makes the next out of the current', () => {
    const map = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'))
    fc.assert(
      fc.property(map, map, (current, next) => {
        const patch = bindingsPatch(current, next)
        const patched = Object.entries({ ...current, ...patch }).filter(([, value]) => value !== null)
        expect(Object.fromEntries(patched)).toEqual({ ...next })
        expect(patch === null).toBe(
          JSON.stringify(Object.entries(current).sort()) === JSON.stringify(Object.entries(next).sort()),
        )
      }),
    )
  })
})
