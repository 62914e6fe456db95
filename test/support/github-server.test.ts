import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/env.ts'
import { BOT, type GitHubSetup } from './github-server.ts'

test('the stand-in runs as its own process, and never tells a token', async () => {
  const setup: GitHubSetup = {
    tokens: { 'ghs-secret': BOT },
    repository: 'acme/widgets',
    pulls: [{ number: 7 }],
  }
  const script = path.join(packageRoot(), 'test/support/github-server.ts')
  const child = spawn(process.execPath, [script, JSON.stringify(setup)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
    const url = String(line).trim()
    const headers = { authorization: 'Bearer ghs-secret' }
    const comments = `${url}/repos/acme/widgets/issues/7/comments`
    const created = await fetch(comments, {
      method: 'POST',
      headers,
      body: JSON.stringify({ body: 'hello' }),
    })
    expect(created.status).toBe(201)
    expect((await fetch(comments, { headers: { authorization: 'token wrong' } })).status).toBe(401)
    expect(await (await fetch(`${url}/_comments/acme/widgets/7`)).json()).toMatchObject([{ body: 'hello' }])
    const log = await (await fetch(`${url}/_requests`)).text()
    expect(JSON.parse(log)).toMatchObject([
      { method: 'POST', login: 'github-actions[bot]', status: 201 },
      { method: 'GET', login: null, status: 401 },
    ])
    expect(log).not.toContain('ghs-secret')
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})
