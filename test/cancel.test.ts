import { beforeEach, describe, expect, it } from 'vitest'
import { Cancellation, withinGrace } from '../src/cancel.ts'
import { VirtualClock } from './support/sky-world/clock.ts'

/** Milliseconds that the runner gives: to SIGTERM after SIGINT, and to SIGKILL after SIGTERM. */
const TO_SIGTERM_MS = 7500
const TO_SIGKILL_MS = 2500

let clock: VirtualClock
let cancel: Cancellation
beforeEach(() => {
  clock = new VirtualClock()
  cancel = new Cancellation()
})

const forEver = new Promise<never>(() => {})

/** Virtual milliseconds from the signals, which are sent one after the other, until nobody waits any more. */
async function patience(...signals: readonly ('SIGINT' | 'SIGTERM')[]): Promise<number> {
  const since = clock.now()
  const given = withinGrace(forEver, cancel, clock).catch(() => clock.now() - since)
  for (const signal of signals) cancel.by(signal)
  return clock.run(given)
}

describe('after a cancel', () => {
  it('there is some time, and less than the runner gives', async () => {
    const ms = await patience('SIGINT')
    expect(ms).toBeGreaterThan(0)
    expect(ms).toBeLessThan(TO_SIGTERM_MS)
  })

  it('there is hardly any when SIGTERM comes first, or next', async () => {
    expect(await patience('SIGTERM')).toBeLessThan(TO_SIGKILL_MS)
    cancel = new Cancellation()
    expect(await patience('SIGINT', 'SIGTERM')).toBeLessThan(TO_SIGKILL_MS)
  })

  it('what ends in time is heard', async () => {
    const work = withinGrace(
      clock.sleep(1000).then(() => 'done'),
      cancel,
      clock,
    )
    cancel.by('SIGINT')
    expect(await clock.run(work)).toBe('done')
  })

  it('both signals cancel the run, and one says that it is urgent', () => {
    cancel.by('SIGINT')
    expect([cancel.signal.aborted, cancel.urgent.aborted]).toEqual([true, false])
    cancel.by('SIGTERM')
    expect([cancel.signal.aborted, cancel.urgent.aborted]).toEqual([true, true])
    expect(String(cancel.signal.reason)).toContain('SIGINT')
  })
})

it('without a cancel nobody gives up', async () => {
  const work = clock.sleep(3_600_000).then(() => 'done')
  expect(await clock.run(withinGrace(work, cancel, clock))).toBe('done')
})
