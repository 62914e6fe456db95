/** K3s's binary from a real HTTP server that is slow, cut off, wrong, or gone. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { installK3s, K3S_RELEASE } from '../../src/node/k3s-binary.ts'
import type { System } from '../../src/node/system.ts'

const CONTENT = Buffer.from('#!/bin/sh\necho k3s\n'.repeat(10_000))
const sha256 = createHash('sha256').update(CONTENT).digest('hex')
const RELEASE = { version: 'v0.0.1+k3s1', files: { [process.arch]: { name: 'k3s', sha256 } } }
type Serve = (request: IncomingMessage, response: ServerResponse) => void
let root: string
let asked: string[]
let serve: Serve
const server = createServer((request, response) => {
  asked.push(request.headers.range ?? 'all')
  serve(request, response)
})

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lmrun-k3s-'))
  asked = []
  serve = whole
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await rm(root, { recursive: true, force: true })
})

const whole: Serve = (_request, response) => response.end(CONTENT)
const ranges: Serve = ({ headers: { range } }, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
  response.writeHead(from > 0 ? 206 : 200).end(CONTENT.subarray(from))
}
/** Half of it, and a broken connection. */
const half: Serve = (_request, response) => {
  response.writeHead(200, { 'content-length': CONTENT.length })
  response.write(CONTENT.subarray(0, CONTENT.length / 2), () => setTimeout(() => response.destroy(), 50))
}

function system(): System {
  const { port } = server.address() as AddressInfo
  return {
    root,
    env: { LMRUN_K3S_URL: `http://127.0.0.1:${port}/` },
    clock: { ...systemClock, sleep: async () => {} },
    signal: AbortSignal.timeout(60_000),
    log: () => {},
  }
}

const binary = () => path.join(root, 'usr/local/lib/lmrun/k3s')

async function expectInstalled(): Promise<void> {
  expect(await readFile(binary())).toEqual(CONTENT)
  expect((await stat(binary())).mode & 0o777).toBe(0o755)
  expect(await readdir(path.dirname(binary()))).toEqual(['k3s'])
}

test('is fetched once', async () => {
  expect(await installK3s(system(), RELEASE)).toBe(true)
  await expectInstalled()
  expect(await installK3s(system(), RELEASE)).toBe(false)
  expect(asked).toEqual(['all'])
})

test('is fetched anew when what is there was changed', async () => {
  await installK3s(system(), RELEASE)
  await writeFile(binary(), 'other')
  expect(await installK3s(system(), RELEASE)).toBe(true)
  await expectInstalled()
})

test.each([
  ['from where it was cut off', ranges],
  ['as a whole, where the server knows no ranges', whole],
])('goes on %s', async (_how, next) => {
  serve = (request, response) => {
    serve = next
    half(request, response)
  }
  expect(await installK3s(system(), RELEASE)).toBe(true)
  await expectInstalled()
  expect(asked).toHaveLength(2)
  expect(asked[1]).toMatch(/^bytes=\d+-$/)
})

test('with another checksum never gets into its place, nor is it kept', async () => {
  serve = (_request, response) => response.end('something else')
  await expect(installK3s(system(), RELEASE)).rejects.toThrow(/is not K3s v0\.0\.1\+k3s1: its sha256 is/)
  expect(await readdir(path.dirname(binary()))).toEqual([])
})

test('an error of the server is not the end; five are', async () => {
  serve = (_request, response) => {
    serve = asked.length === 2 ? whole : serve
    response.writeHead(503).end()
  }
  expect(await installK3s(system(), RELEASE)).toBe(true)
  serve = (_request, response) => response.writeHead(503).end()
  await rm(binary())
  await expect(installK3s(system(), RELEASE)).rejects.toThrow(/K3s could not be fetched from/)
  expect(asked).toHaveLength(3 + 5)
})

test('what is not there is asked for once', async () => {
  serve = (_request, response) => response.writeHead(404).end()
  await expect(installK3s(system(), RELEASE)).rejects.toThrow(/could not be fetched/)
  expect(asked).toHaveLength(1)
})

test('is pinned for both kinds of machines', () => {
  expect(Object.keys(K3S_RELEASE.files)).toEqual(['x64', 'arm64'])
  for (const { sha256: pin } of Object.values(K3S_RELEASE.files)) expect(pin).toMatch(/^[0-9a-f]{64}$/)
})
