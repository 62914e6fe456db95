import { describe, expect, test } from 'vitest'
import { createWorld } from '../support/e2e.ts'
import { expectClean } from '../support/e2e-checks.ts'
import { PHASES } from '../support/e2e-phases.ts'
import type { Cancel } from '../support/runner.ts'

describe.each([
  ['honoured', false],
  ['ignored', true],
])('cancel with signals %s by the children', (_, stubborn) => {
  test.each(PHASES)('in $name', async ({ run, faults = [], begun, comment }) => {
    await using world = await createWorld({ faults })
    const cancel: Cancel = { when: main => begun(main, world), how: 'ladder' }
    const result = await world.run({ ...run, stubborn, cancel })
    expect(result.signals, result.stdout).toEqual(['SIGINT'])
    expect(result.exitCode, result.stdout).toBe(1)
    expect(result.post?.exitCode, result.post?.stdout).toBe(0)
    await expectClean(world, result)
    if (comment === 'one') expect(world.ours(), result.post?.stdout).toHaveLength(1)
    else expect(world.ours().length).toBeLessThanOrEqual(1)
  })
})

test('a cancelled run says so, and that nothing is left', async () => {
  await using world = await createWorld()
  const cancel: Cancel = { when: main => main.seen(/a: answer …/), how: 'ladder' }
  await world.run({ servers: { a: 'hang' }, cancel })
  expect(world.ours()[0]?.body).toMatch(/cancelled/)
  expect(world.ours()[0]?.body).toMatch(/both VMs gone/)
})

test('a run cancelled while it reports still tells its scores', async () => {
  const held = PHASES.find(({ name }) => name === 'report') ?? expect.fail()
  await using world = await createWorld({ faults: held.faults ?? [] })
  const cancel: Cancel = { when: main => held.begun(main, world), how: 'ladder' }
  await world.run({ cancel })
  expect(world.ours()).toHaveLength(1)
  expect(world.ours()[0]?.body).toContain('50')
})

test('SIGTERM alone ends main as well', async () => {
  await using world = await createWorld()
  const cancel: Cancel = { when: main => main.seen(/a: answer …/), how: 'term' }
  const result = await world.run({ servers: { a: 'hang' }, cancel })
  expect(result).toMatchObject({ exitCode: 1, signals: ['SIGTERM'] })
  expect(world.ours()).toHaveLength(1)
  await expectClean(world, result)
})
