import { describe, expect, test } from 'vitest'
import { createWorld } from '../support/e2e.ts'
import { expectClean } from '../support/e2e-checks.ts'
import { PHASES } from '../support/e2e-phases.ts'
import type { Cancel } from '../support/runner.ts'

describe('SIGKILL of main', () => {
  test.each(PHASES)('in $name: post ends and reports', async ({ run, faults = [], begun, comment }) => {
    await using world = await createWorld({ faults })
    const cancel: Cancel = { when: main => begun(main, world), how: 'kill' }
    const result = await world.run({ ...run, stubborn: true, cancel })
    expect(result.signal, result.stdout).toBe('SIGKILL')
    expect(result.post?.exitCode, result.post?.stdout).toBe(0)
    await expectClean(world, result)
    if (comment === 'one') expect(world.ours(), result.post?.stdout).toHaveLength(1)
    else expect(world.ours().length).toBeLessThanOrEqual(1)
  })
})

describe('the runner is gone, and nobody cleans up', () => {
  test.each(PHASES.filter(({ name }) => name !== 'check'))('in $name: the leases do', async held => {
    const { run, faults = [], begun } = held
    await using world = await createWorld({ faults })
    const cancel: Cancel = { when: main => begun(main, world), how: 'runner-gone' }
    const inputs = { 'lease-minutes': '0.1' }
    const result = await world.run({ ...run, inputs, stubborn: true, cancel })
    expect(result.post).toBeNull()
    await world.quiet()
  })
})
