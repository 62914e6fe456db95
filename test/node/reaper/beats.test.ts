import type { V1ConfigMap } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { createBeatWatch } from '../../../src/node/reaper/beats.ts'

const LEASE_MS = 10_000

function start() {
  const time = { now: 0 }
  const watch = createBeatWatch(() => time.now, LEASE_MS)
  const hear = (beats: Record<string, string>, outage = false) => {
    const maps = Object.entries(beats).map(([name, beat]): [string, V1ConfigMap] => [
      name,
      { data: { beat } },
    ])
    watch.heard(new Map(maps), { outage })
  }
  return { time, watch, hear }
}

describe('beats', () => {
  test('live for a lease after each change, by this clock alone', () => {
    const { time, watch, hear } = start()
    expect(watch.of('a')).toBe('none')
    hear({ a: '1999-01-01' })
    expect(watch.of('a')).toBe('alive')
    time.now = LEASE_MS - 1
    expect(watch.of('a')).toBe('alive')
    hear({ a: '1998-01-01' })
    time.now += LEASE_MS - 1
    expect(watch.of('a')).toBe('alive')
    time.now += 1
    expect(watch.of('a')).toBe('expired')
    expect(watch.last('a')).toBe('1998-01-01')
  })

  test('that are only told again expire; after an outage everybody has a whole lease', () => {
    const { time, watch, hear } = start()
    hear({ a: '1' })
    time.now = LEASE_MS
    hear({ a: '1' })
    expect(watch.of('a')).toBe('expired')
    hear({ a: '1' }, true)
    expect(watch.of('a')).toBe('alive')
  })

  test('that are deleted are none', () => {
    const { watch, hear } = start()
    hear({ a: '1', b: '1' })
    hear({ b: '1' })
    expect([watch.of('a'), watch.of('b'), watch.last('a')]).toEqual(['none', 'alive', null])
  })
})
