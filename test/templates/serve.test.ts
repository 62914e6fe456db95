import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '../../src/env.ts'

const script = path.join(packageRoot(), 'templates', 'local', 'server', 'serve.py')
let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'lmrun-serve-'))
})
afterAll(() => rm(cwd, { recursive: true, force: true }))

/** Runs the script where none of its packages is installed: what it refuses, it refuses before it needs them. */
function serve(vars: Record<string, string>): Promise<{ code: unknown; stderr: string }> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...vars }
  return new Promise(resolve => {
    execFile('python3', [script], { cwd, env }, (error, _stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stderr })
    })
  })
}

test.each([
  ['--foo', 'unrecognized arguments: --foo'],
  ['--ctx 4096', 'unrecognized arguments: --ctx 4096'],
  ['stray', 'unrecognized arguments: stray'],
  ['--ctx-size', 'argument --ctx-size: expected one argument'],
  ['--ctx-size x', "'x' is no whole number from 1 to 1048576"],
  ['--ctx-size -1', 'argument --ctx-size: '],
  ['--parallel 0', "'0' is no whole number from 1 to 64"],
  ['--threads 1.5', "'1.5' is no whole number"],
  ['--seed ²', "'²' is no whole number"],
  ['--ctx-size 2 --parallel 3', '--ctx-size 2 is less than one token for each of 3 slots'],
  ['"unclosed', 'No closing quotation'],
  ['-h', 'unrecognized arguments: -h'],
])('SERVE_OPTS %s is refused', async (options, message) => {
  const { code, stderr } = await serve({ SERVE_OPTS: options })
  expect(code).toBe(2)
  expect(stderr).toContain(`bad flag in SERVE_OPTS`)
  expect(stderr).toContain(message)
  expect(stderr).toContain('allowed: --ctx-size N --parallel N --threads N --seed N')
})

test.each([
  ['./nope.gguf', 'missing file: MODEL is ./nope.gguf'],
  ['nope.GGUF', 'missing file: MODEL is nope.GGUF'],
  ['/no/such/model', 'missing file: MODEL is /no/such/model'],
  ['~/no/such/model', 'missing file'],
  [script, 'only .gguf files can be served'],
])('MODEL %s is refused', async (model, message) => {
  const { code, stderr } = await serve({ MODEL: model })
  expect(code).toBe(1)
  expect(stderr).toContain(message)
})

test('a port that is taken is named', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = String(typeof address === 'object' ? address?.port : '')
  const model = path.join(cwd, 'any.gguf')
  await writeFile(model, '')
  const { code, stderr } = await serve({ MODEL: model, LMRUN_PORT_8000: port })
  server.close()
  expect(code).toBe(1)
  expect(stderr).toContain(`port ${port} is taken: `)
})
