import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FAILURES, type FailureKind } from '../src/fleet/failures.ts'
import { NO_PAST, nextTry, past, pauseMs } from '../src/recovery.ts'

const kinds = Object.keys(FAILURES) as FailureKind[]
const anyKind = fc.constantFrom(...kinds)

describe('another try', () => {
  it.each(kinds)('of %s is as its class says', kind => {
    expect(nextTry(kind, NO_PAST, 2) !== 'given-up').toBe(FAILURES[kind].retry)
    expect(nextTry(kind, NO_PAST, 0)).toBe('given-up')
  })

  it('goes on demand when a spot VM is taken back the second time, and not before', () => {
    expect(nextTry('preemption', NO_PAST, 2)).toBe('again')
    const once = past(NO_PAST, 'preemption')
    expect(nextTry('preemption', once, 2)).toBe('on-demand')
    expect(nextTry('capacity', once, 2)).toBe('again')
    expect(nextTry('preemption', past(once, 'preemption'), 2)).toBe('given-up')
  })

  it('ends, whatever fails, after as many tries as are allowed', () => {
    fc.assert(
      fc.property(fc.array(anyKind, { minLength: 12 }), fc.nat(10), (failures, limit) => {
        let tried = NO_PAST
        let count = 0
        for (const kind of failures) {
          if (nextTry(kind, tried, limit) === 'given-up') break
          tried = past(tried, kind)
          count += 1
        }
        expect(count).toBeLessThanOrEqual(limit)
      }),
    )
  })

  it('waits longer each time for what is short, and not at all for what was lost', () => {
    expect(pauseMs('lost', NO_PAST)).toBe(0)
    expect(pauseMs('capacity', past(NO_PAST, 'capacity'))).toBeGreaterThan(pauseMs('capacity', NO_PAST))
  })
})
