/** HTTP by a VM's curl: the real curl of this machine, against a real server. */
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { probe } from '../../../src/mesh/probe.ts'
import { curlRequest, type RunScript } from '../../../src/mesh/remote-request.ts'

interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const NEVER = new AbortController().signal
let folder: string
let server: Server
let base: string
let seen: Seen[]
let answer: (one: Seen) => { status: number; body: string } | null

/** Notes what it and all other processes were called with, and is the real one. */
const NOTING_CURL = `#!/bin/bash
ps -eo args >> "$NOTES"
echo "$@" >> "$NOTES"
env >> "$NOTES"
exec "$REAL_CURL" "$@"
`

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-curl-'))
  await writeFile(path.join(folder, 'curl'), NOTING_CURL)
  await chmod(path.join(folder, 'curl'), 0o755)
  seen = []
  answer = () => ({ status: 200, body: 'fine' })
  server = createServer(async (request, response) => {
    const { method, url, headers } = request
    const one = { method, url, headers, body: await text(request) }
    seen.push(one)
    const reply = answer(one)
    if (reply) response.writeHead(reply.status).end(reply.body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true, force: true })
})

/** A VM's bash, fed by standard input, as over ssh. */
const run: RunScript = async (script, signal) => {
  const PATH = `${folder}:${process.env.PATH}`
  const env = { PATH, NOTES: path.join(folder, 'notes'), REAL_CURL: '/usr/bin/curl', HOME: folder }
  const child = spawn('bash', ['-s'], { env, detached: true })
  const stop = () => process.kill(-(child.pid ?? 0), 'SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  child.stdin.end(script)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  return { exitCode: child.exitCode ?? 1, stdout, stderr }
}
const request = curlRequest(run)

const HOSTILE = [
  'plain',
  'it\'s "quoted"',
  'back\\slash \\n \\" \\\\',
  '$HOME `id` $(id) !!',
  '@/etc/passwd',
  '# no comment',
  '  spaces  ',
  'tab\tand é and 🐫',
  '',
]

describe('a request by curl', () => {
  test.each([...HOSTILE, 'two\nlines\n\n', 'cr\r\nlf', '"\nurl = "http://127.0.0.1:9/"'])(
    'takes the body %j as it is',
    async body => {
      const reply = await request(`${base}/v1?a=b&c=%20`, { method: 'POST', body }, 10_000, NEVER)
      expect(reply).toEqual({ status: 200, body: 'fine', text: '200 fine' })
      expect(seen).toMatchObject([{ method: 'POST', url: '/v1?a=b&c=%20', body }])
    },
  )

  test.each(HOSTILE.filter(key => /^[\x20-\x7e]+$/.test(key)))('takes the key %j as it is', async key => {
    await request(base, { headers: { authorization: `Bearer ${key}.` } }, 10_000, NEVER)
    expect(seen[0]?.headers.authorization).toBe(`Bearer ${key}.`)
    expect(Object.keys(seen[0]?.headers ?? {}).toSorted()).toEqual([
      'accept',
      'authorization',
      'host',
      'user-agent',
    ])
  })

  test.each(['a\nx-evil: 1', 'a\r\nx-evil: 1', 'a\0b'])('sends nothing with the key %j', async key => {
    const headers = { authorization: `Bearer ${key}` }
    const { status, text: why } = await request(base, { headers }, 10_000, NEVER)
    expect(status).toBe(0)
    expect(why).toMatch(/authorization/)
    expect(seen).toEqual([])
  })

  test('has nothing of a key or a body in any argument or environment', async () => {
    const headers = { authorization: 'Bearer s3cret-key' }
    await request(base, { method: 'POST', headers, body: 's3cret-body' }, 10_000, NEVER)
    expect(seen[0]).toMatchObject({ body: 's3cret-body' })
    const notes = await readFile(path.join(folder, 'notes'), 'utf8')
    expect(notes).toMatch(/curl --silent --show-error --config -/)
    expect(notes).not.toContain('s3cret')
  })

  test('brings every answer: several lines, none, an error', async () => {
    for (const body of ['a\nb\n\n', '', '{"a": 1}']) {
      answer = () => ({ status: 503, body })
      const reply = await request(base, {}, 10_000, NEVER)
      expect(reply).toMatchObject({ status: 503, body })
    }
  })

  test('says why there is none', async () => {
    const gone = await request('http://127.0.0.1:9/', {}, 10_000, NEVER)
    expect(gone).toMatchObject({ status: 0, text: expect.stringMatching(/^curl: \(7\)/) })
    answer = () => null
    const slow = await request(base, {}, 1000, NEVER)
    expect(slow).toMatchObject({ status: 0, text: expect.stringMatching(/^curl: \(28\)/) })
    const broken = curlRequest(() => Promise.reject(new Error('the VM does not answer')))
    expect(await broken(base, {}, 1000, NEVER)).toMatchObject({ status: 0, text: 'the VM does not answer' })
  })

  test('ends with its signal', async () => {
    answer = () => null
    const stop = new AbortController()
    const pending = request(base, {}, 60_000, stop.signal)
    setTimeout(() => stop.abort(new Error('enough')), 100)
    await expect(pending).rejects.toThrow('enough')
  })
})

test('a model server is probed by it as by this process', async () => {
  const chat: string[] = []
  answer = ({ url, body, headers }) => {
    if (headers.authorization !== undefined && headers.authorization !== 'Bearer k"e\\y')
      return { status: 401, body: 'no' }
    if (url === '/v1/models') return { status: 200, body: JSON.stringify({ data: [{ id: 'qwen' }] }) }
    if (url === '/v1/chat/completions') chat.push(body)
    return { status: 200, body: '{}' }
  }
  const target = { base, name: 'qwen', apiKey: 'k"e\\y' }
  expect(await probe(target, NEVER, request)).toEqual({ ready: true })
  expect(JSON.parse(chat[0] ?? '')).toMatchObject({ model: 'qwen', max_tokens: 1 })
  expect(await probe({ ...target, name: 'other' }, NEVER, request)).toEqual({
    ready: false,
    seen: '/v1/models: it lists qwen, not other',
  })
})
