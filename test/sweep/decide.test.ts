import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Owner, ownerLabels } from '../../src/labels.ts'
import { decide, GRACE_MS, type Knowledge, type RunState, SKEW_MS } from '../../src/sweep/decide.ts'
import type { Found } from '../../src/sweep/found.ts'

const NOW = Date.UTC(2026, 0, 15)
const HERE = 'acme/widgets'
const owner: Owner = { run: '42', attempt: '1', repository: HERE, expiry: NOW / 1000 + 3600, ending: 'down' }
const over: RunState = { state: 'over', endedAt: NOW - GRACE_MS }
const expired = (NOW - SKEW_MS) / 1000 - 1

function vm(change: Partial<Owner> = {}): Pick<Found, 'kind' | 'labels' | 'state'> {
  return { kind: 'vm', state: 'up', labels: ownerLabels({ ...owner, ...change }) }
}

function known(change: Partial<Knowledge> = {}): Knowledge {
  return { now: NOW, repository: HERE, run: over, othersLive: false, ...change }
}

describe('decide', () => {
  it.each([
    ['a run that is over', vm(), known(), 'end'],
    [
      'a run that has just ended: post may be at work',
      vm(),
      known({ run: { state: 'over', endedAt: NOW - GRACE_MS + 1 } }),
      'leave',
    ],
    ['a live run', vm(), known({ run: { state: 'live' } }), 'leave'],
    ['a run that GitHub deleted', vm(), known({ run: { state: 'unheard' } }), 'leave'],
    [
      'an answer that GitHub did not give',
      vm(),
      known({ run: { state: 'unknown', reason: '500' } }),
      'leave',
    ],
    [
      'an expiry, whatever GitHub says',
      vm({ expiry: expired }),
      known({ run: { state: 'unknown', reason: '500' } }),
      'end',
    ],
    [
      'an expiry that another clock may not have reached',
      vm({ expiry: expired + 2 }),
      known({ run: { state: 'unheard' } }),
      'leave',
    ],
    ['a kept VM whose run is over', vm({ ending: 'keep' }), known(), 'leave'],
    ['a kept VM past its expiry', vm({ ending: 'keep', expiry: expired }), known(), 'end'],
    [
      'a kept VM that a live run may have adopted',
      vm({ ending: 'keep', expiry: expired }),
      known({ othersLive: true }),
      'leave',
    ],
    [
      'a kept VM when GitHub does not answer',
      vm({ ending: 'keep', expiry: expired }),
      known({ run: { state: 'unknown', reason: '' } }),
      'leave',
    ],
    ['a VM of another repository', vm({ repository: 'acme/other', expiry: expired }), known(), 'leave'],
    ['a VM of a laptop', vm({ run: 'local-a1', repository: null, expiry: expired }), known(), 'leave'],
    [
      'a laptop’s, swept from a laptop',
      vm({ run: 'local-a1', repository: null, expiry: expired }),
      known({ repository: null, run: { state: 'unheard' } }),
      'end',
    ],
    ['the same repository in another case', vm({ repository: 'Acme/Widgets' }), known(), 'end'],
    ['a Node that is ready', { ...vm(), kind: 'node' as const }, known(), 'leave'],
    ['a Node that is not', { ...vm(), kind: 'node' as const, state: 'idle' as const }, known(), 'end'],
    ['a disk in use', { ...vm(), kind: 'disk' as const }, known(), 'leave'],
  ] as const)('%s', (_name, found, knowledge, action) => {
    expect(decide(found, knowledge).action).toBe(action)
  })
})

const runState: fc.Arbitrary<RunState> = fc.oneof(
  fc.constant<RunState>({ state: 'live' }),
  fc.constant<RunState>({ state: 'unheard' }),
  fc.record({ state: fc.constant('unknown' as const), reason: fc.string() }),
  fc.record({ state: fc.constant('over' as const), endedAt: fc.integer({ min: NOW - 1e9, max: NOW + 1e9 }) }),
)
const anyOwner: fc.Arbitrary<Owner> = fc.record({
  run: fc.oneof(fc.nat().map(String), fc.constant('local-a1b2c')),
  attempt: fc.integer({ min: 1, max: 99 }).map(String),
  repository: fc.constantFrom(HERE, 'acme/other', 'acme/widget', 'acme-widgets/x', null),
  expiry: fc.integer({ min: NOW / 1000 - 100_000, max: NOW / 1000 + 100_000 }),
  ending: fc.constantFrom('down' as const, 'keep' as const),
})
const knowledge: fc.Arbitrary<Knowledge> = fc.record({
  now: fc.constant(NOW),
  repository: fc.constantFrom(HERE, 'acme/other', null),
  run: runState,
  othersLive: fc.boolean(),
})
const thing = fc.record({
  kind: fc.constantFrom('vm', 'disk', 'node'),
  state: fc.constantFrom('up', 'stopped', 'idle'),
}) as fc.Arbitrary<Pick<Found, 'kind' | 'state'>>

describe('decide, in any world', () => {
  it('never touches what another repository owns, a live run, or a run that GitHub does not speak of', () => {
    fc.assert(
      fc.property(thing, anyOwner, knowledge, (found, theirs, world) => {
        const { action } = decide({ ...found, labels: ownerLabels(theirs) }, world)
        if (action === 'leave') return
        expect(theirs.repository).toBe(world.repository)
        const past = NOW > theirs.expiry * 1000 + SKEW_MS
        expect(past || (world.run.state === 'over' && world.run.endedAt + GRACE_MS <= NOW)).toBe(true)
        if (theirs.ending === 'keep')
          expect(past && !world.othersLive && world.run.state !== 'live').toBe(true)
        if (found.kind !== 'vm') expect(found.state).toBe('idle')
      }),
      { numRuns: 2000 },
    )
  })

  it('never touches what lacks one of our labels', () => {
    fc.assert(
      fc.property(thing, anyOwner, knowledge, fc.nat(), (found, theirs, world, which) => {
        const labels: Record<string, string> = ownerLabels({ ...theirs, repository: HERE, expiry: expired })
        const names = Object.keys(labels)
        delete labels[names[which % names.length] ?? '']
        expect(decide({ ...found, labels }, { ...world, repository: HERE })).toMatchObject({
          action: 'leave',
          foreign: true,
        })
      }),
    )
  })

  it('ends each VM some time after its expiry, once nobody lives', () => {
    fc.assert(
      fc.property(anyOwner, fc.constantFrom<RunState>(over, { state: 'unheard' }), (theirs, run) => {
        const now = theirs.expiry * 1000 + SKEW_MS + 1
        const found = { kind: 'vm', state: 'stopped', labels: ownerLabels(theirs) } as const
        expect(decide(found, { now, repository: theirs.repository, run, othersLive: false }).action).toBe(
          'end',
        )
      }),
    )
  })
})
