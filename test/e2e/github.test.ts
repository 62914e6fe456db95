import { expect, test } from 'vitest'
import { createWorld, FORK_TOKEN } from '../support/e2e.ts'
import { expectClean, readReport } from '../support/e2e-checks.ts'
import type { Fault } from '../support/github-server.ts'

const create = { method: 'POST', path: '/issues/7/comments$' }
const list = { method: 'GET', path: '/issues/7/comments$' }

test('a token of a fork: a warning that names the permission, and the benchmark alone decides', async () => {
  await using world = await createWorld()
  const result = await world.run({ token: FORK_TOKEN })
  expect(result.exitCode, result.stdout).toBe(0)
  expect(world.ours()).toEqual([])
  const warnings = result.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message)
  expect(warnings.join('\n')).toMatch(/403.*permissions: pull-requests: write.*fork/)
  expect((await readReport(result)).results.run.status).toBe('completed')
  expect(result.summary).toContain('LMRun')
  expect(result.outputs).toMatchObject({ valid: 'true', 'comment-url': '' })
  await expectClean(world, result)
})

test('a token of a fork with comment: always fails the step, with the results out', async () => {
  await using world = await createWorld()
  const result = await world.run({ token: FORK_TOKEN, inputs: { comment: 'always' } })
  expect(result.exitCode).toBe(1)
  expect((await readReport(result)).results.run.status).toBe('completed')
  await expectClean(world, result)
})

test.each<[string, readonly Fault[]]>([
  ['the reply to the create is lost', [{ ...create, action: { kind: 'lose-reply' } }]],
  ['a create never arrives', [{ ...create, action: { kind: 'drop' } }]],
  ['GitHub fails twice', [{ ...create, times: 2, action: { kind: 'status', status: 502 } }]],
  ['the list fails', [{ ...list, action: { kind: 'status', status: 500 } }]],
  ['creates are limited', [{ ...create, action: { kind: 'secondary-limit', status: 403, retryAfter: 1 } }]],
  ['lists are limited', [{ ...list, action: { kind: 'secondary-limit', status: 429, retryAfter: 1 } }]],
])('one comment when %s', async (_, faults) => {
  await using world = await createWorld({ faults })
  const result = await world.run()
  expect(result.exitCode, result.stdout).toBe(0)
  expect(world.ours()).toHaveLength(1)
  expect(result.outputs['comment-url']).toContain(`#issuecomment-${world.ours()[0]?.id}`)
  await expectClean(world, result)
})

test.each<[string, readonly Fault[], string]>([
  ['is down', [{ ...list, times: 0, action: { kind: 'status', status: 503 } }], '503'],
  [
    'limits for an hour',
    [{ ...create, times: 0, action: { kind: 'secondary-limit', status: 403, retryAfter: 3600 } }],
    'rate limit',
  ],
  [
    'does not know the pull request',
    [{ ...list, times: 0, action: { kind: 'status', status: 404, message: 'Not Found' } }],
    '404',
  ],
])('no result is lost when GitHub %s', async (_, faults, text) => {
  await using world = await createWorld({ faults })
  const result = await world.run()
  expect(result.exitCode, result.stdout).toBe(0)
  expect(result.log).toContain(text)
  expect((await readReport(result)).results.run.status).toBe('completed')
  await expectClean(world, result)
})

test('a locked conversation is said so', async () => {
  await using world = await createWorld({ pulls: [{ number: 7, locked: true }] })
  const result = await world.run()
  expect(result.exitCode, result.stdout).toBe(0)
  expect(result.log).toContain('The conversation is locked')
  await expectClean(world, result)
})
