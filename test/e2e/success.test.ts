import { expect, test } from 'vitest'
import { commentMarker } from '../../src/report/comment.ts'
import { createWorld, PULL_REQUEST, REPOSITORY, TOKEN } from '../support/e2e.ts'
import { expectClean, readReport } from '../support/e2e-checks.ts'
import { BOT, type Fault, startGitHub } from '../support/github-server.ts'
import { startResultsService } from '../support/results-service.ts'
import type { Cancel } from '../support/runner.ts'

const LIST = { method: 'GET', path: '/issues/7/comments$' }

test('a run of two models is reported everywhere, and the next one updates the comment', async () => {
  await using world = await createWorld()
  await using service = await startResultsService()
  const servers = { 'qwen-coder': 'serve', 'sky-t1': 'serve' } as const
  const inputs = { secrets: 'HF_TOKEN' }
  const first = await world.run({ servers, inputs, env: service.env })
  expect(first, first.stdout).toMatchObject({ exitCode: 0, stderr: '', post: { exitCode: 0 } })

  const { markdown, html, results } = await readReport(first)
  expect(results.run.status).toBe('completed')
  expect(Object.keys(results.models)).toEqual(Object.keys(servers))
  expect(results.models['qwen-coder'].scores).toMatchObject({ average: 50, valid: true })
  for (const text of [markdown, html, first.summary, world.ours()[0]?.body]) expect(text).toContain('sky-t1')
  expect(first.outputs).toMatchObject({ valid: 'true', scores: '{"qwen-coder":50,"sky-t1":50}' })
  expect(first.outputs['comment-url']).toContain(`/pull/${PULL_REQUEST}#issuecomment-${world.ours()[0]?.id}`)
  expect([...service.artifacts.keys()]).toEqual([`lmrun-${results.run.id}`])
  expect(first.annotations.filter(({ level }) => level === 'error')).toEqual([])
  await expectClean(world, first)

  const [before] = world.ours()
  const second = await world.run({ servers, inputs })
  expect(second.exitCode).toBe(0)
  expect(world.ours()).toEqual([before])
  expect(second.outputs['comment-url']).toBe(first.outputs['comment-url'])
  await expectClean(world, second)
})

test('the comment is found among 230', async () => {
  await using world = await createWorld({ otherComments: 229 })
  world.github.state.addComment(REPOSITORY, PULL_REQUEST, `${commentMarker('bench', '')}\nold`, BOT)
  const result = await world.run()
  expect(result.exitCode, result.stdout).toBe(0)
  expect(world.ours()).toHaveLength(1)
  expect(world.ours()[0]?.body).toContain('LMRun')
  expect(world.github.state.comments(REPOSITORY, PULL_REQUEST)).toHaveLength(230)
  await expectClean(world, result)
})

test('two runs that race leave one comment', async () => {
  const faults = [{ ...LIST, times: 2, action: { kind: 'barrier', parties: 2 } as const }]
  await using world = await createWorld({ faults })
  const results = await Promise.all([world.run(), world.run()])
  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0])
  expect(world.ours()).toHaveLength(1)
  for (const result of results) {
    expect(result.outputs['comment-url']).toContain(`#issuecomment-${world.ours()[0]?.id}`)
    await expectClean(world, result)
  }
})

test('each comment-key has its comment', async () => {
  await using world = await createWorld()
  await world.run({ inputs: { 'comment-key': 'large -->' } })
  await world.run({ inputs: { 'comment-key': 'small' } })
  expect(world.github.state.comments(REPOSITORY, PULL_REQUEST)).toHaveLength(2)
})

test('always: a push finds its pull request by the commit', async () => {
  await using world = await createWorld()
  const result = await world.run({ eventName: 'push', payload: {}, inputs: { comment: 'always' } })
  expect(result.exitCode, result.stdout).toBe(0)
  expect(world.ours()).toHaveLength(1)
})

test('always: without a pull request the step fails, after the results are out', async () => {
  await using world = await createWorld({ pulls: [] })
  const result = await world.run({ eventName: 'push', payload: {}, inputs: { comment: 'always' } })
  expect(result.exitCode).toBe(1)
  expect(result.log).toContain('no open pull request of acme/widgets has c0ffee as its head')
  expect((await readReport(result)).results.run.status).toBe('completed')
  expect(result.outputs).toMatchObject({ valid: 'true', 'comment-url': '' })
  await expectClean(world, result)
})

test.each([
  ['auto', 'push'],
  ['never', 'pull_request'],
])('%s: a %s asks GitHub nothing', async (comment, eventName) => {
  await using world = await createWorld()
  const result = await world.run({ eventName, inputs: { comment } })
  expect(result.exitCode, result.stdout).toBe(0)
  expect(world.github.requests).toEqual([])
  expect(result.summary).toContain('LMRun')
})

test('GitHub Enterprise Server is asked at its own address', async () => {
  await using world = await createWorld()
  await using other = await startGitHub({
    tokens: { [TOKEN]: BOT },
    repository: REPOSITORY,
    pulls: [{ number: PULL_REQUEST }],
  })
  const env = { GITHUB_API_URL: `${other.url}/api/v3`, GITHUB_SERVER_URL: 'https://ghe.acme.dev' }
  const result = await world.run({ env })
  expect(result.exitCode, result.stdout).toBe(0)
  expect(world.github.requests).toEqual([])
  expect(other.state.comments(REPOSITORY, PULL_REQUEST)).toHaveLength(1)
})

test('while it runs the comment says how far it is', async () => {
  await using world = await createWorld()
  const cancel: Cancel = {
    when: async main => {
      await main.seen(/a: answer …/)
      await world.asked('POST', /issues\/7\/comments$/)
      await expect.poll(() => world.ours()[0]?.body).toMatch(/### LMRun: running\n.*\| `a` /s)
    },
    how: 'ladder',
  }
  const result = await world.run({ servers: { a: 'hang' }, cancel })
  expect(world.ours()).toHaveLength(1)
  expect(world.ours()[0]?.body).toMatch(/### LMRun cancelled/)
  await expectClean(world, result)
})

test('an update of the comment that hangs costs nobody its results', async () => {
  const faults: Fault[] = [{ ...LIST, action: { kind: 'hang' } }]
  await using world = await createWorld({ faults })
  const result = await world.run()
  expect(result.exitCode, result.stdout).toBe(0)
  expect(result.log).toContain('how far the run is cannot be shown')
  expect(world.ours()).toHaveLength(1)
  expect(world.ours()[0]?.body).not.toContain('running')
  await expectClean(world, result)
})
