import { describe, expect, test } from 'vitest'
import type { WorldRun } from '../../support/e2e.ts'
import { expectClean } from '../../support/e2e-checks.ts'
import { type Cancel, SEEN_WITHIN_MS, type Watched } from '../../support/runner.ts'
import { createSkyE2e, LEASE_BOUND_MS, SHORT_LEASE, type SkyWorld } from '../../support/sky-e2e.ts'

interface Held {
  readonly name: string
  readonly run: WorldRun
  readonly begun: (main: Watched, world: SkyWorld) => Promise<unknown>
}

const PHASES: readonly Held[] = [
  {
    name: 'check',
    run: {},
    begun: (_, { sky }) => expect.poll(() => sky.servers(), { timeout: SEEN_WITHIN_MS }).toHaveLength(1),
  },
  { name: 'provisioning', run: {}, begun: (_, world) => world.vm('a', 'provisioning') },
  {
    name: 'setup',
    run: { servers: { a: 'slow-setup' } },
    begun: (_, { world }) => world.running(/^sleep 600$/),
  },
  { name: 'load', run: { servers: { a: 'load' } }, begun: (_, { world }) => world.running(/openai-server/) },
  { name: 'answer', run: { servers: { a: 'hang' } }, begun: main => main.seen(/a: answer …/) },
  { name: 'grade', run: { stuckClient: true }, begun: main => main.seen(/a: grade …/) },
]

/** What the runner begins with. */
const FIRST = { ladder: 'SIGINT', term: 'SIGTERM', kill: 'SIGKILL' } as const

describe.each(['ladder', 'term', 'kill'] as const)('cancel by %s', how => {
  test.concurrent.each(PHASES)('in $name: post ends every VM', async ({ run, begun }) => {
    await using world = await createSkyE2e()
    const cancel: Cancel = { when: async main => void (await begun(main, world)), how }
    const result = await world.run({ ...run, cancel })
    // Main has ended by itself before the runner's next signal, and so before post begins.
    expect(result.signals, result.stdout).toEqual([FIRST[how]])
    expect(result.exitCode).toBe(how === 'kill' ? null : 1)
    expect(result.post?.exitCode, result.post?.stdout).toBe(0)
    expect(world.alive()).toEqual([])
    for (const { endedBy } of world.sky.ledger) expect(['main', 'post']).toContain(endedBy)
    await expectClean(world.world, result)
  })
})

describe('the runner is gone', () => {
  test.concurrent.each(PHASES.filter(({ name }) => name !== 'check' && name !== 'provisioning'))(
    'in $name: the lease ends',
    async held => {
      await using world = await createSkyE2e()
      const cancel: Cancel = { when: async main => void (await held.begun(main, world)), how: 'runner-gone' }
      const result = await world.run({ ...held.run, inputs: SHORT_LEASE, cancel })
      expect(result.post).toBeNull()
      world.endRunner()
      const ledger = await world.ended(LEASE_BOUND_MS)
      for (const { endedBy } of ledger) expect(['lease', 'shutdown', 'main']).toContain(endedBy)
    },
  )
})
