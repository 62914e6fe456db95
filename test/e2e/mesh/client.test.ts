/** The client for VMs against an API server that misbehaves as real ones do while they start, stop or are cut off. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createKubeClient, type KubeClient } from '../../../src/node/kube/client.ts'

const ended = new AbortController()
let folder: string
let server: https.Server
let kube: KubeClient
let answer: (request: IncomingMessage, response: ServerResponse) => void
let asked: string[]

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lmrun-kube-client-'))
  const [key, cert] = [path.join(folder, 'key'), path.join(folder, 'cert')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const who = ['-subj', '/CN=kube-apiserver', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...who], {
    stdio: 'ignore',
  })
  const pem = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }
  server = https.createServer(pem, (request, response) => {
    request.resume()
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}`)
      answer(request, response)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  kube = createKubeClient({ ...pem, ca: pem.cert, server: `https://127.0.0.1:${port}` }, ended.signal)
})

beforeEach(() => {
  asked = []
})

afterAll(async () => {
  ended.abort()
  server?.closeAllConnections()
  await new Promise(resolve => server?.close(resolve))
  await rm(folder, { recursive: true })
})

/** What a watch told until it was over. */
async function watched(): Promise<{ events: unknown[]; error: unknown }> {
  const events: unknown[] = []
  const { promise, resolve } = Promise.withResolvers<unknown>()
  await kube.watch(
    '/nodes',
    { resourceVersion: '7' },
    (phase, object) => events.push([phase, object]),
    resolve,
  )
  return { error: await promise, events }
}

test('a watch tells its events, however they arrive', async () => {
  answer = (_, response) => {
    const text = ['ADDED', 'MODIFIED']
      .map(type => `${JSON.stringify({ type, object: { name: 'ä' } })}\n`)
      .join('')
    const bytes = Buffer.from(text)
    for (let i = 0; i < bytes.length; i++) response.write(bytes.subarray(i, i + 1))
    response.end()
  }
  expect(await watched()).toEqual({
    events: [
      ['ADDED', { name: 'ä' }],
      ['MODIFIED', { name: 'ä' }],
    ],
    error: null,
  })
  expect(asked).toEqual(['GET /nodes?resourceVersion=7&watch=true'])
})

test.for([
  ['in plain text', 429, 'Too many requests, please try again later.\n'],
  ['in HTML', 502, '<html>\n<body>\n'],
  ['as a Status', 410, '{"kind":"Status","code":410}\n'],
] as const)('a watch that is refused %s is over, without an event', async ([, status, text]) => {
  answer = (_, response) => {
    response.statusCode = status
    response.end(text)
  }
  expect((await watched()).events).toEqual([])
})

test('a watch that is cut off or garbled is over', async () => {
  answer = (_, response) => {
    response.write('{"type":"ADDED","object":{}}\n{"type":"ADD')
    setImmediate(() => response.destroy())
  }
  expect((await watched()).events).toEqual([['ADDED', {}]])
  answer = (_, response) => {
    response.end('garbage\n')
  }
  expect(await watched()).toMatchObject({ events: [], error: { name: 'SyntaxError' } })
})

test('a refusal is an error with its status and reason', async () => {
  answer = (_, response) => {
    response.statusCode = 409
    response.end(JSON.stringify({ kind: 'Status', message: 'the object has been modified' }))
  }
  const message = expect.stringContaining('the object has been modified')
  await expect(kube.get('/nodes')).rejects.toMatchObject({ name: 'KubeError', status: 409, message })
  answer = (_, response) => {
    response.statusCode = 503
    response.end('starting')
  }
  await expect(kube.merge('/nodes', {})).rejects.toMatchObject({ status: 503 })
})

test('an answer that ends too early is an error', async () => {
  answer = (_, response) => {
    response.end('{"kind":"No')
  }
  await expect(kube.get('/nodes')).rejects.toThrow(SyntaxError)
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{')
    setImmediate(() => response.destroy())
  }
  await expect(kube.get('/nodes')).rejects.toMatchObject({ code: 'ECONNRESET' })
})

test('requests that share a connection are kept apart', async () => {
  answer = (_, response) => {
    response.end('{}')
  }
  await kube.remove('/nodes/a', { uid: 'u1' })
  await kube.apply('/nodes/b', { kind: 'Node' }, 'me')
  await kube.remove('/nodes/c')
  await kube.get('/nodes')
  expect(asked).toEqual([
    'DELETE /nodes/a',
    'PATCH /nodes/b?fieldManager=me&force=true',
    'DELETE /nodes/c',
    'GET /nodes',
  ])
})
