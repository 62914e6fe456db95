import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { KubeError } from '../../../src/node/kube/client.ts'
import { createReconciler, sayOnce } from '../../../src/node/kube/reconciler.ts'

/** Real time goes by without waiting. */
const clock = { ...systemClock, sleep: async () => {} }

function start(work: (pass: number) => Promise<void>) {
  const ended = new AbortController()
  const lines: string[] = []
  let passes = 0
  const reconciler = createReconciler(
    async () => {
      passes += 1
      await work(passes)
    },
    { clock, signal: ended.signal, log: line => lines.push(line) },
  )
  const running = reconciler.run()
  running.catch(() => {})
  return { ended, lines, reconciler, running, passes: () => passes }
}

describe('a reconciler', () => {
  test('works only when asked, one pass at a time, and once more for all that was asked in between', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const second = Promise.withResolvers<void>()
    let atOnce = 0
    const { reconciler, passes, ended, running } = start(async pass => {
      atOnce += 1
      expect(atOnce).toBe(1)
      if (pass === 2) second.resolve()
      await gates[pass - 1]?.promise
      atOnce -= 1
    })
    await Promise.resolve()
    expect(passes()).toBe(0)
    reconciler.poke()
    await expect.poll(passes).toBe(1)
    for (let i = 0; i < 10; i++) reconciler.poke()
    gates[0]?.resolve()
    await second.promise
    gates[1]?.resolve()
    ended.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(passes()).toBe(2)
  })

  test('tries again what fails, and says it once; what is forbidden may be allowed soon', async () => {
    const { reconciler, lines, passes, ended, running } = start(async pass => {
      if (pass < 5) throw new KubeError('not bound', 403)
    })
    reconciler.poke()
    await expect.poll(passes).toBe(5)
    ended.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(lines).toEqual(['not bound'])
  })

  test('gives up when nobody knows it any more', async () => {
    const { reconciler, running } = start(async () => {
      throw new KubeError('Unauthorized', 401)
    })
    reconciler.poke()
    await expect(running).rejects.toMatchObject({ status: 401 })
  })

  test('that is ended before it was asked ends', async () => {
    const { ended, running } = start(async () => {})
    ended.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
  })
})

test('a line is said when it is news', () => {
  const lines: string[] = []
  const say = sayOnce(line => lines.push(line))
  for (const line of ['a', 'a', 'b', null, 'b', null, null, 'b']) say(line)
  expect(lines).toEqual(['a', 'b', 'b', 'b'])
})
