import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { expectClean, readReport } from '../../support/e2e-checks.ts'
import type { Watched } from '../../support/runner.ts'
import { createSkyE2e, LEASE_BOUND_MS, SHORT_LEASE } from '../../support/sky-e2e.ts'
import { LAUNCH_ERRORS } from '../../support/sky-stand-in/faults.ts'

// Takes the whole time that post has, four minutes: first of all.
test.concurrent('a VM that cannot be ended fails post with the exact command, and the lease ends it', async () => {
  await using world = await createSkyE2e()
  world.sky.fault({ command: 'down', name: /^a-/, action: { kind: 'locked' } })
  const result = await world.run({
    servers: { a: 'hang' },
    cancel: { when: main => main.seen(/a: answer …/), how: 'kill' },
  })
  const [vm] = world.alive()
  expect(vm).toMatch(/^a-/)
  const command = `sky down -y ${vm}`
  expect(result.post?.exitCode).toBe(1)
  expect(result.post?.stdout).toContain(command)
  expect(result.post?.summary).toContain(command)
  expect(world.world.ours()[0]?.body).toContain(command)
  await world.ended(LEASE_BOUND_MS)
  expect(world.sky.ledger.find(({ name }) => name === vm)?.endedBy).toBe('lease')
})

test.concurrent('two models on VMs: scores, costs, and nothing left', async () => {
  await using world = await createSkyE2e()
  const result = await world.run({ servers: { a: 'serve', b: 'serve' }, inputs: { secrets: 'HF_TOKEN' } })
  expect(result, result.stdout).toMatchObject({ exitCode: 0, post: { exitCode: 0 } })
  expect(result.outputs).toMatchObject({ valid: 'true', scores: '{"a":50,"b":50}' })
  expect(world.alive()).toEqual([])
  expect(world.sky.ledger.map(({ endedBy }) => endedBy)).toEqual(['main', 'main', 'main'])
  expect(world.world.ours()).toHaveLength(1)
  await expectClean(world.world, result)
})

test.concurrent.each([
  ['fail-setup', /failed in its setup/],
  ['exit-7', /exit code 7/],
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

test.concurrent('the lease is moved on for as long as the run lives', async () => {
  // A minute of lease is 15 s, and time enough for a renewal.
  await using world = await createSkyE2e({ speed: 4 })
  const when = async (main: Watched) => {
    await main.seen(/a: answer …/)
    await sleep(45_000)
    expect(world.alive()).toHaveLength(2)
  }
  await world.run({ servers: { a: 'hang' }, inputs: SHORT_LEASE, cancel: { when, how: 'kill' } })
  expect(world.alive()).toEqual([])
})
