import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { nextHealth, UNKNOWN } from '../../../src/node/publish/health.ts'
import { type Look, look, type Target } from '../../../src/node/publish/look.ts'

const agent = new http.Agent({ keepAlive: true })
const servers: net.Server[] = []
const ended = new AbortController()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lmrun-look-'))
})

afterEach(async () => {
  agent.destroy()
  for (const server of servers.splice(0)) await new Promise(resolve => server.close(resolve))
})

afterAll(async () => rm(folder, { recursive: true }))

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void

async function listen(server: net.Server, host = '127.0.0.2'): Promise<number> {
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

/** 127.0.0.2 stands for the VM's address in the mesh. */
async function seen(port: number, change: Partial<Target> = {}, askModels = true): Promise<Look> {
  const target = { host: '127.0.0.2', port, health: '/health', model: 'qwen', apiKeyFile: null, ...change }
  return look(target, { askModels, agent, signal: ended.signal })
}

const models =
  (names: readonly string[]): Answer =>
  (request, response) => {
    response.end(request.url === '/v1/models' ? JSON.stringify({ data: names.map(id => ({ id })) }) : '')
  }
/** Wants the key `secret`. */
const guarded: Answer = (request, response) => {
  const known = request.url === '/health' || request.headers.authorization === 'Bearer secret'
  response.statusCode = known ? 200 : 401
  response.end(JSON.stringify({ data: [{ id: 'qwen' }] }))
}

describe('a look at a server', () => {
  test('that lists the name is up; that lists another is not', async () => {
    expect(await seen(await listen(http.createServer(models(['qwen', 'more']))))).toEqual({ is: 'up' })
    const port = await listen(http.createServer(models(['llama'])))
    expect(await seen(port)).toMatchObject({
      is: 'down',
      seen: expect.stringContaining('lists llama, not qwen'),
    })
    expect(await seen(port, {}, false)).toEqual({ is: 'up' })
    expect(await seen(port, { model: null })).toEqual({ is: 'up' })
  })

  test('that has no models is down, with what to do about it', async () => {
    const port = await listen(
      http.createServer((request, response) => {
        response.statusCode = request.url === '/health' ? 200 : 404
        response.end('<html>')
      }),
    )
    expect(await seen(port)).toMatchObject({
      is: 'down',
      seen: expect.stringContaining('answers 404 (--no-models'),
    })
  })

  test('that wants a key is up without one; with one it is asked, once there is one', async () => {
    const port = await listen(http.createServer(guarded))
    expect(await seen(port)).toEqual({ is: 'up' })
    const apiKeyFile = path.join(folder, 'key')
    expect(await seen(port, { apiKeyFile })).toEqual({ is: 'up' })
    await writeFile(apiKeyFile, 'secret\n')
    expect(await seen(port, { apiKeyFile })).toEqual({ is: 'up' })
    await writeFile(apiKeyFile, 'wrong\n')
    expect(await seen(port, { apiKeyFile })).toMatchObject({
      is: 'down',
      seen: expect.stringContaining('401'),
    })
  })

  test('that says it is not well, or is not there, is down', async () => {
    const port = await listen(
      http.createServer((_, response) => {
        response.statusCode = 503
        response.end()
      }),
    )
    expect(await seen(port)).toMatchObject({ is: 'down', seen: `127.0.0.2:${port}/health: 503` })
    expect(await seen(1)).toEqual({ is: 'down', seen: '127.0.0.2:1: connection refused' })
  })

  test('that listens on 127.0.0.1 alone is told apart', async () => {
    const port = await listen(http.createServer(models(['qwen'])), '127.0.0.1')
    expect(await seen(port)).toMatchObject({ is: 'down', seen: expect.stringContaining('listen on 0.0.0.0') })
  })

  test('that breaks off is silent', async () => {
    const port = await listen(net.createServer(socket => socket.once('data', () => socket.destroy())))
    expect(await seen(port)).toMatchObject({ is: 'silent' })
  })

  test('without a health path takes a connection for up', async () => {
    const port = await listen(net.createServer(socket => socket.on('error', () => {})))
    expect(await seen(port, { health: '' })).toEqual({ is: 'up' })
    expect(await seen(1, { health: '' })).toMatchObject({ is: 'down' })
  })
})

describe('health', () => {
  const healthy = (looks: readonly Look['is'][]) =>
    looks.reduce((health, is) => nextHealth(health, { is, seen: '' }), UNKNOWN).healthy

  test('bears two looks without an answer, but no refusal', () => {
    expect(healthy([])).toBe(false)
    expect(healthy(['up'])).toBe(true)
    expect(healthy(['up', 'down'])).toBe(false)
    expect(healthy(['up', 'silent', 'silent'])).toBe(true)
    expect(healthy(['up', 'silent', 'silent', 'silent'])).toBe(false)
    expect(healthy(['up', 'silent', 'silent', 'up', 'silent', 'silent'])).toBe(true)
    expect(healthy(['silent', 'down', 'up'])).toBe(true)
  })
})
