import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createDirectMesh } from '../../src/mesh/direct.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
})

async function serve(listener: RequestListener): Promise<number> {
  server = createServer(listener)
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const mesh = (port: number) =>
  createDirectMesh(async () => ({ host: '127.0.0.1', port }), { clock: systemClock })
const service = { name: 'qwen-coder-abc12', port: 8000 }
const patient = { signal: new AbortController().signal, deadlineMs: 60_000 }

/** A server whose replies to health, models and a completion are given; health fails for the first `boots` requests. */
function modelServer({ boots = 0, alias = service.name, token = 200 } = {}): RequestListener {
  let seen = 0
  return (request, response) => {
    if (request.url === '/health') response.statusCode = seen++ < boots ? 503 : 200
    if (request.url === '/v1/models') response.write(JSON.stringify({ data: [{ id: alias }] }))
    if (request.url === '/v1/chat/completions') response.statusCode = token
    response.end()
  }
}

describe('the direct mesh', () => {
  it('is ready when health, the name and a token are there', async () => {
    const port = await serve(modelServer({ boots: 3 }))
    await mesh(port).waitUntilReady(service, patient)
    expect(await mesh(port).address(service)).toBe(`http://127.0.0.1:${port}`)
  })

  it.each([
    ['a server that never gets healthy', modelServer({ boots: 1e9 }), 'last seen /health: 503'],
    ["somebody else's server", modelServer({ alias: 'other' }), 'it lists other, not qwen-coder-abc12'],
    ['a server that cannot complete a token', modelServer({ token: 500 }), 'last seen a first token: 500'],
    ['a reply that is not JSON', (_, response) => response.end('hello'), 'last seen /v1/models: 200 hello'],
  ] satisfies [string, RequestListener, string][])('says what it saw of %s', async (_, listener, message) => {
    const port = await serve(listener)
    await expect(mesh(port).waitUntilReady(service, { ...patient, deadlineMs: 700 })).rejects.toThrow(message)
  })

  it('says that nobody listens', async () => {
    const port = await serve(() => {})
    server?.close()
    await expect(mesh(port).waitUntilReady(service, { ...patient, deadlineMs: 500 })).rejects.toThrow(
      'ECONNREFUSED',
    )
  })

  it('stops when it is told to, also when the server hangs', async () => {
    const port = await serve(() => {})
    const stop = new AbortController()
    const waiting = mesh(port).waitUntilReady(service, { ...patient, signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})
