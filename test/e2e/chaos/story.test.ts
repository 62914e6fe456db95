import { expect, test } from 'vitest'
import { expectClean, readReport } from '../../support/e2e-checks.ts'
import { createSkyE2e } from '../../support/sky-e2e.ts'
import { LAUNCH_ERRORS } from '../../support/sky-stand-in/faults.ts'

test.concurrent('two models on VMs: scores, costs, and nothing left', async () => {
  await using world = await createSkyE2e()
  const result = await world.run({ servers: { a: 'serve', b: 'serve' } })
  expect(result, result.stdout).toMatchObject({ exitCode: 0, post: { exitCode: 0 } })
  expect(result.outputs).toMatchObject({ valid: 'true', scores: '{"a":50,"b":50}' })
  expect(world.alive()).toEqual([])
  expect(world.sky.ledger.map(({ endedBy }) => endedBy)).toEqual(['main', 'main', 'main'])
  expect(world.world.ours()).toHaveLength(1)
  await expectClean(world.world, result)
})

test.concurrent.each([
  ['fail-setup', /failed in its setup/],
  ['die', /out of memory/i],
] as const)('a server that does %s fails the run with its cause, and is ended', async (mode, text) => {
  await using world = await createSkyE2e()
  const result = await world.run({ servers: { a: mode } })
  expect(result.exitCode, result.stdout).toBe(1)
  expect((await readReport(result)).markdown).toMatch(text)
  expect(world.alive()).toEqual([])
  await expectClean(world.world, result)
})

test.concurrent('no capacity once: launched again', async () => {
  await using world = await createSkyE2e()
  const action = { kind: 'fail', stderr: LAUNCH_ERRORS.capacity } as const
  world.sky.fault({ command: 'launch', name: /^a-/, times: 1, action })
  const result = await world.run()
  expect(result.exitCode, result.stdout).toBe(0)
  expect((await readReport(result)).markdown).toMatch(/no such machine to give/)
  await expectClean(world.world, result)
})

test.concurrent('a server that is taken back while it answers: the run goes on where it was', async () => {
  await using world = await createSkyE2e()
  const running = world.run({ inputs: { parallel: '1' } })
  const vm = await world.vm('a')
  await world.world.running(/cli\/index.js answer/)
  await world.sky.preempt(vm)
  const result = await running
  expect(result.exitCode, result.stdout).toBe(0)
  expect(world.sky.ledger.filter(({ name }) => name === vm)).toHaveLength(2)
  await expectClean(world.world, result)
})

test.concurrent('down that is locked at first is asked again', async () => {
  await using world = await createSkyE2e()
  world.sky.fault({ command: 'down', times: 2, action: { kind: 'locked' } })
  const result = await world.run()
  expect(result.exitCode, result.stdout).toBe(0)
  expect(world.alive()).toEqual([])
  await expectClean(world.world, result)
})
