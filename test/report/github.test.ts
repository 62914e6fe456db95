import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type CommentMode,
  findPullRequest,
  type GitHubContext,
  readGitHubContext,
} from '../../src/report/github.ts'
import { BOT, FORK_BOT, type GitHubSetup, startGitHub } from '../support/github-server.ts'

const context: GitHubContext = {
  eventName: 'push',
  repository: { owner: 'acme', repo: 'widgets' },
  sha: 'c0ffee',
  workflow: 'bench',
  apiUrl: 'http://unused',
  runUrl: 'https://github.com/acme/widgets/actions/runs/1',
  payload: {},
}

async function find(mode: CommentMode, event: Partial<GitHubContext> = {}, setup: Partial<GitHubSetup> = {}) {
  await using server = await startGitHub({
    tokens: { t: BOT },
    repository: 'acme/widgets',
    pulls: [],
    ...setup,
  })
  const outcome = await findPullRequest({
    context: { ...context, ...event },
    access: { token: 't', apiUrl: server.url },
    mode,
    signal: AbortSignal.timeout(100_000),
    log: () => {},
  })
  return { outcome, requests: server.requests.length }
}

describe('the event', () => {
  test('is read from the runner: a pull request is tested at its head', async () => {
    await using folder = await mkdtempDisposable(path.join(tmpdir(), 'lmrun-github-'))
    const file = path.join(folder.path, 'event.json')
    const payload = { pull_request: { number: 7, head: { sha: 'head' } } }
    await writeFile(file, JSON.stringify(payload))
    const env = {
      GITHUB_REPOSITORY: 'acme/widgets',
      GITHUB_EVENT_NAME: 'pull_request',
      GITHUB_EVENT_PATH: file,
      GITHUB_SHA: 'merge',
      GITHUB_WORKFLOW: 'bench',
      GITHUB_API_URL: 'https://ghe.acme.dev/api/v3',
      GITHUB_SERVER_URL: 'https://ghe.acme.dev',
      GITHUB_RUN_ID: '42',
    }
    expect(await readGitHubContext(env)).toEqual({
      eventName: 'pull_request',
      repository: { owner: 'acme', repo: 'widgets' },
      sha: 'head',
      workflow: 'bench',
      apiUrl: 'https://ghe.acme.dev/api/v3',
      runUrl: 'https://ghe.acme.dev/acme/widgets/actions/runs/42',
      payload,
    })
  })

  test('is null on a laptop', async () => expect(await readGitHubContext({})).toBeNull())
})

describe('the pull request', () => {
  test.each([
    ['pull_request', { pull_request: { number: 7 } }],
    ['pull_request_target', { pull_request: { number: 7 } }],
    ['issue_comment', { issue: { number: 7, pull_request: {} } }],
  ])('of %s is the event’s own, without asking', async (eventName, payload) => {
    for (const mode of ['auto', 'always'] as const) {
      expect(await find(mode, { eventName, payload })).toEqual({
        outcome: { found: true, number: 7 },
        requests: 0,
      })
    }
  })

  test.each([
    ['push', {}],
    ['issue_comment', { issue: { number: 7 } }],
    ['workflow_dispatch', {}],
  ])('of %s is not looked for by auto', async (eventName, payload) => {
    expect(await find('auto', { eventName, payload })).toMatchObject({
      outcome: { found: false, expected: false },
      requests: 0,
    })
  })

  test('is not looked for by never', async () => {
    const event = { eventName: 'pull_request', payload: { pull_request: { number: 7 } } }
    expect(await find('never', event)).toMatchObject({
      outcome: { found: false, expected: false },
      requests: 0,
    })
  })

  test('is found by its head commit by always: open ones alone, over all pages', async () => {
    const closed = Array.from({ length: 120 }, (_, n) => ({
      number: n + 1,
      state: 'closed' as const,
      headSha: 'c0ffee',
    }))
    const open = [130, 125].map(number => ({ number, headSha: 'c0ffee' }))
    const { outcome, requests } = await find('always', {}, { pulls: [...closed, ...open] })
    expect(outcome).toEqual({ found: true, number: 125 })
    expect(requests).toBe(2)
  })

  test.each([
    ['there is none', {}, {}, 'no open pull request of acme/widgets has c0ffee as its head'],
    ['there is no commit', { sha: '' }, {}, 'GITHUB_SHA'],
    ['the repository is out of reach', {}, { repository: 'other/one' }, 'permissions: pull-requests: read'],
    ['the token is bad', {}, { tokens: { other: FORK_BOT } }, '401'],
  ])('is missed by always when %s', async (_, event, setup, reason) => {
    const { outcome } = await find('always', event, setup)
    expect(outcome).toMatchObject({ found: false, expected: true, reason: expect.stringContaining(reason) })
  })
})
