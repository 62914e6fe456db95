import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commentMarker, type PublishOptions, publishComment } from '../../src/report/comment.ts'
import {
  BOT,
  type Fault,
  FORK_BOT,
  type GitHubServer,
  type GitHubSetup,
  PERSON,
  startGitHub,
} from '../support/github-server.ts'

const REPOSITORY = 'acme/widgets'
const TOKENS = { 'ghs-bot': BOT, 'ghs-fork': FORK_BOT, 'ghp-person': PERSON }
const marker = commentMarker('bench', 'default')
const create = `POST /repos/${REPOSITORY}/issues/7/comments`

function github(setup: Partial<GitHubSetup> = {}): Promise<GitHubServer> {
  return startGitHub({ tokens: TOKENS, repository: REPOSITORY, pulls: [{ number: 7 }], ...setup })
}

function options(server: GitHubServer, overrides: Partial<PublishOptions> = {}): PublishOptions {
  return {
    access: { token: 'ghs-bot', apiUrl: server.url },
    repository: { owner: 'acme', repo: 'widgets' },
    pullRequest: 7,
    marker,
    body: 'the report',
    signal: AbortSignal.timeout(100_000),
    log: () => {},
    ...overrides,
  }
}

function ours(server: GitHubServer) {
  return server.state.comments(REPOSITORY, 7).filter(({ body }) => body.startsWith(marker))
}

function count(server: GitHubServer, route: string): number {
  return server.requests.filter(({ method, path }) => `${method} ${path}` === route).length
}

function onCreate(action: Fault['action'], times = 1): Fault {
  return { method: 'POST', path: '/issues/7/comments$', times, action }
}

function onList(action: Fault['action'], from = 1, times = 1): Fault {
  return { method: 'GET', path: '/issues/7/comments$', from, times, action }
}

describe('the marker', () => {
  test('is one HTML comment, whatever the workflow and key are called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (workflow, key) => {
        expect(commentMarker(workflow, key)).toMatch(
          /^<!-- lmrun:(?:(?!--|[<>\n]).)*:(?:(?!--|[<>\n]).)* -->$/,
        )
      }),
    )
  })

  test('differs for different pairs', () => {
    const pair = fc.tuple(fc.string(), fc.string())
    fc.assert(
      fc.property(pair, pair, (one, other) => {
        expect(commentMarker(...one) === commentMarker(...other)).toBe(one.join('\0') === other.join('\0'))
      }),
    )
  })

  test.each([
    ['CI', 'default', '<!-- lmrun:CI:default -->'],
    ['a: b', 'x-->y', '<!-- lmrun:a%3A%20b:x%2D%2D%3Ey -->'],
    ['lone \uD800', '', '<!-- lmrun:lone%20%EF%BF%BD: -->'],
  ])('%j, %j', (workflow, key, expected) => expect(commentMarker(workflow, key)).toBe(expected))
})

describe.concurrent('finding', () => {
  test('creates, then updates the same', async () => {
    await using server = await github()
    const first = await publishComment(options(server))
    const second = await publishComment(options(server, { body: `${marker}\nthe next report` }))
    expect(first).toMatchObject({ posted: true, action: 'created' })
    expect(second).toEqual({ ...first, action: 'updated' })
    expect(ours(server).map(({ body }) => body)).toEqual([`${marker}\nthe next report`])
  })

  test('finds its own on page 3 of 230', async () => {
    await using server = await github({ otherComments: 229 })
    const { id } = server.state.addComment(REPOSITORY, 7, `${marker}\nold`, BOT)
    const outcome = await publishComment(options(server))
    expect(outcome).toMatchObject({ posted: true, id, action: 'updated' })
    expect(server.state.comments(REPOSITORY, 7)).toHaveLength(230)
    const pages = server.requests.filter(
      ({ method, path }) => method === 'GET' && path.endsWith('/7/comments'),
    )
    expect(pages.map(({ query }) => query)).toEqual([
      '?per_page=100',
      '?per_page=100&page=2',
      '?per_page=100&page=3',
    ])
  })

  test('keeps a comment for each key', async () => {
    await using server = await github()
    await publishComment(options(server))
    await publishComment(options(server, { marker: commentMarker('bench', 'other') }))
    expect(server.state.comments(REPOSITORY, 7)).toHaveLength(2)
  })

  test('works below a path, as on GitHub Enterprise Server', async () => {
    await using server = await github()
    const access = { token: 'ghs-bot', apiUrl: `${server.url}/api/v3` }
    expect(await publishComment(options(server, { access }))).toMatchObject({ posted: true })
  })

  test.each([
    ['ghs-bot', PERSON],
    ['ghp-person', { login: 'mallory', type: 'User' }],
  ])('leaves the marker in a comment of another account alone (%s)', async (token, author) => {
    await using server = await github()
    const theirs = server.state.addComment(REPOSITORY, 7, `${marker}\ntheirs`, author)
    const access = { token, apiUrl: server.url }
    const outcome = await publishComment(options(server, { access }))
    expect(outcome).toMatchObject({ posted: true, action: 'created' })
    expect(theirs.body).toBe(`${marker}\ntheirs`)
    expect(await publishComment(options(server, { access }))).toMatchObject({
      posted: true,
      action: 'updated',
    })
    expect(ours(server)).toHaveLength(2)
  })
})

describe.concurrent('never a second one', () => {
  test('when the reply to the create is lost', async () => {
    await using server = await github({ faults: [onCreate({ kind: 'lose-reply' })] })
    expect(await publishComment(options(server))).toMatchObject({ posted: true })
    expect(ours(server)).toHaveLength(1)
    expect(count(server, create)).toBe(1)
  })

  test.each<Fault['action']>([
    { kind: 'drop' },
    { kind: 'status', status: 502 },
    { kind: 'status', status: 429, message: 'Too many requests', retryAfter: 1 },
    { kind: 'secondary-limit', status: 403, retryAfter: 1 },
    { kind: 'secondary-limit', status: 429, retryAfter: 1 },
  ])('when the create fails for a while: %o', async action => {
    await using server = await github({ faults: [onCreate(action)] })
    expect(await publishComment(options(server))).toMatchObject({ posted: true, action: 'created' })
    expect(ours(server)).toHaveLength(1)
    expect(count(server, create)).toBe(2)
  })

  test('looks between two creates', async () => {
    await using server = await github({ faults: [onCreate({ kind: 'status', status: 500 })] })
    await publishComment(options(server))
    const routes = server.requests.map(({ method }) => method)
    expect(routes).toEqual(['GET', 'POST', 'GET', 'POST', 'GET', 'GET'])
    expect(server.requests.at(-1)?.path).toBe('/user')
  })

  test('when two jobs race', async () => {
    await using server = await github({ faults: [onList({ kind: 'barrier', parties: 2 }, 1, 2)] })
    const outcomes = await Promise.all([
      publishComment(options(server, { body: 'one' })),
      publishComment(options(server, { body: 'two' })),
    ])
    const [comment, ...more] = ours(server)
    expect(more).toEqual([])
    expect(count(server, create)).toBe(2)
    expect(outcomes).toMatchObject([
      { posted: true, id: comment?.id },
      { posted: true, id: comment?.id },
    ])
  })

  test('folds duplicates that are there into the oldest', async () => {
    await using server = await github()
    const [oldest] = [1, 2, 3].map(n => server.state.addComment(REPOSITORY, 7, `${marker}\n${n}`, BOT))
    expect(await publishComment(options(server))).toMatchObject({
      posted: true,
      id: oldest?.id,
      action: 'updated',
    })
    expect(ours(server).map(({ body }) => body)).toEqual([`${marker}\nthe report`])
  })

  test('a duplicate that cannot be deleted does not matter', async () => {
    const faults: Fault[] = [
      {
        method: 'DELETE',
        path: '/issues/comments/',
        action: { kind: 'status', status: 404, message: 'Not Found' },
      },
    ]
    await using server = await github({ faults })
    for (const n of [1, 2]) server.state.addComment(REPOSITORY, 7, `${marker}\n${n}`, BOT)
    expect(await publishComment(options(server))).toMatchObject({ posted: true, action: 'updated' })
  })

  test('creates again when the comment vanishes between look and update', async () => {
    const faults: Fault[] = [{ method: 'PATCH', path: '/issues/comments/', action: { kind: 'delete-first' } }]
    await using server = await github({ faults })
    server.state.addComment(REPOSITORY, 7, `${marker}\nold`, BOT)
    expect(await publishComment(options(server))).toMatchObject({ posted: true, action: 'created' })
    expect(ours(server)).toHaveLength(1)
  })

  test('the create stands when the look after it fails', async () => {
    await using server = await github({ faults: [onList({ kind: 'status', status: 500 }, 2, 0)] })
    expect(await publishComment(options(server))).toMatchObject({ posted: true, action: 'created' })
    expect(ours(server)).toHaveLength(1)
  })
})

describe.concurrent('tries again', () => {
  test.each<Fault>([
    onList({ kind: 'status', status: 503 }),
    onList({ kind: 'drop' }),
    onList({ kind: 'secondary-limit', status: 429, retryAfter: 1 }),
    onList({ kind: 'status', status: 429, message: 'Too many requests', retryAfter: 1 }),
    { method: 'PATCH', path: '/issues/comments/', action: { kind: 'status', status: 500 } },
    {
      method: 'PATCH',
      path: '/issues/comments/',
      action: { kind: 'secondary-limit', status: 403, retryAfter: 1 },
    },
    { method: 'PATCH', path: '/issues/comments/', action: { kind: 'lose-reply' } },
  ])('$method $action.kind', async fault => {
    await using server = await github({ faults: [fault] })
    server.state.addComment(REPOSITORY, 7, `${marker}\nold`, BOT)
    const lines: string[] = []
    const outcome = await publishComment(options(server, { log: line => lines.push(line) }))
    expect(outcome).toMatchObject({ posted: true, action: 'updated' })
    expect(ours(server)).toHaveLength(1)
    if (fault.action.kind === 'secondary-limit') expect(lines.join()).toContain('is tried again in 1 s')
  })
})

describe.concurrent('gives up with a warning that says what to change', () => {
  const warning = (outcome: Awaited<ReturnType<typeof publishComment>>) =>
    outcome.posted ? '' : outcome.warning

  test('read-only token of a fork', async () => {
    await using server = await github()
    const text = warning(
      await publishComment(options(server, { access: { token: 'ghs-fork', apiUrl: server.url } })),
    )
    expect(text).toBe(
      'the comment on acme/widgets#7 was not posted: GitHub said 403, “Resource not accessible by integration”. ' +
        'The token may not do this: add `permissions: pull-requests: write` to the job. A pull request from a fork ' +
        'gets a read-only token whatever the workflow asks for: its results are in the job summary and the artifact.',
    )
    expect(count(server, create)).toBe(1)
  })

  test('bad token', async () => {
    await using server = await github()
    const text = warning(
      await publishComment(options(server, { access: { token: 'nobody', apiUrl: server.url } })),
    )
    expect(text).toContain('401')
    expect(text).toContain('`github-token`')
    expect(text).not.toContain('nobody')
  })

  test('no token', async () => {
    await using server = await github()
    const text = warning(await publishComment(options(server, { access: { token: '', apiUrl: server.url } })))
    expect(text).toMatch(/there is no token\nPass one as `github-token`/)
    expect(server.requests).toEqual([])
  })

  test('no such pull request', async () => {
    await using server = await github()
    expect(warning(await publishComment(options(server, { pullRequest: 8 })))).toMatch(
      /#8 was not posted.*404.*permissions/,
    )
  })

  test('locked conversation', async () => {
    await using server = await github({ pulls: [{ number: 7, locked: true }] })
    expect(warning(await publishComment(options(server)))).toContain('The conversation is locked')
  })

  test('too long', async () => {
    await using server = await github()
    const text = warning(await publishComment(options(server, { body: 'x'.repeat(70_000) })))
    expect(text).toMatch(/422.*too long.*full report/)
    expect(count(server, create)).toBe(1)
  })

  test('a rate limit longer than there is time', async () => {
    await using server = await github({
      faults: [onCreate({ kind: 'secondary-limit', status: 403, retryAfter: 3600 }, 0)],
    })
    expect(warning(await publishComment(options(server)))).toContain('The rate limit was not lifted in time')
    expect(count(server, create)).toBe(1)
  })

  test('silence', async () => {
    await using server = await github({ faults: [onCreate({ kind: 'hang' })] })
    const text = warning(await publishComment(options(server, { deadlineMs: 500 })))
    expect(text).toContain('GitHub did not answer in time')
  })

  test('nobody there', async () => {
    const server = await github()
    await server[Symbol.asyncDispose]()
    expect(warning(await publishComment(options(server)))).toMatch(/ECONNREFUSED.*githubstatus/)
  })

  test('the run is cancelled while it waits for a rate limit', async () => {
    await using server = await github({
      faults: [onCreate({ kind: 'secondary-limit', status: 403, retryAfter: 60 }, 0)],
    })
    const controller = new AbortController()
    const log = () => controller.abort()
    const text = warning(await publishComment(options(server, { signal: controller.signal, log })))
    expect(text).toContain('the run was cancelled')
  })

  test('the run was cancelled before', async () => {
    await using server = await github()
    expect(warning(await publishComment(options(server, { signal: AbortSignal.abort() })))).toContain(
      'cancelled',
    )
    expect(ours(server)).toEqual([])
  })
})
