/** k3s_server and k3s_agent in dash, as a VM has them, with a program beside them that tells what it was called with. */
import { execFile } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/env.ts'

const TEMPLATES = path.join(packageRoot(), 'templates')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-node-'))
  await cp(path.join(TEMPLATES, 'node'), folder, { recursive: true })
  const app = path.join(folder, 'lmrun-node')
  await mkdir(app)
  await copyFile(path.join(TEMPLATES, 'node/as-root.sh'), path.join(app, 'as-root.sh'))
  await copyFile(path.join(TEMPLATES, 'client/node.sh'), path.join(app, 'node.sh'))
  const tell = 'console.log(JSON.stringify([process.env.HOME, ...process.argv.slice(2)]))'
  await writeFile(path.join(app, 'index.js'), tell)
  // Who runs tests need not be root.
  const id = path.join(folder, 'bin/id')
  await mkdir(path.dirname(id))
  await writeFile(id, '#!/bin/sh\necho "$FAKE_ID"\n')
  await chmod(id, 0o755)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Said {
  readonly code: unknown
  readonly out: string
  readonly err: string
}

function sh(script: string, args: readonly string[], env: Record<string, string> = {}): Promise<Said> {
  const PATH = [path.join(folder, 'bin'), path.dirname(process.execPath), '/usr/bin', '/bin'].join(':')
  return new Promise(resolve => {
    const options = { cwd: tmpdir(), env: { PATH, HOME: '/home/ubuntu', FAKE_ID: '0', ...env } }
    execFile('sh', [path.join(folder, script), ...args], options, (error, out, err) => {
      resolve({ code: error ? error.code : 0, out: out.trim(), err: err.trim() })
    })
  })
}

describe.each([
  ['k3s_server', 'server'],
  ['k3s_agent', 'agent'],
  ['k3s_agent.py', 'agent'],
])('%s', (script, command) => {
  test.each([
    [[], [command]],
    [
      ['--dry-run', '--name', 'two words'],
      [command, '--dry-run', '--name', 'two words'],
    ],
    [['status'], ['status']],
    [['leave'], ['leave']],
  ])('%j runs %j', async (given, expected) => {
    const { code, out, err } = await sh(script, given)
    expect([code, err]).toEqual([0, ''])
    expect(JSON.parse(out)).toEqual(['/home/ubuntu', ...expected])
  })

  test('is for root alone', async () => {
    const { code, err } = await sh(script, [], { FAKE_ID: '1000' })
    expect(code).toBe(1)
    expect(err).toMatch(/a VM joins as root: sudo -E/)
  })

  test('works for the user behind sudo, whose home it is', async () => {
    const { out } = await sh(script, [], { HOME: '/root', SUDO_USER: 'daemon' })
    expect(JSON.parse(out)[0]).toBe('/usr/sbin')
  })
})

test('without a mesh there is nothing to join, also for who is not root', async () => {
  const { code, out } = await sh('k3s_agent', ['--port', '8000'], { LMRUN_MESH: 'off', FAKE_ID: '1000' })
  expect([code, out]).toEqual([0, 'lmrun: this run has no mesh: nothing to join'])
})

test('a Node that is too old is not taken, and one that cannot be fetched is told', async () => {
  const old = path.join(folder, 'old')
  await mkdir(old)
  await writeFile(path.join(old, 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  await writeFile(path.join(old, 'python3'), '#!/bin/sh\necho "no index" >&2\nexit 1\n', { mode: 0o755 })
  await writeFile(path.join(old, 'uv'), '#!/bin/sh\necho "no index" >&2\nexit 1\n', { mode: 0o755 })
  const PATH = `${old}:/usr/bin:/bin`
  const to = path.join(folder, 'fetched')
  const said = await new Promise<Said>(resolve => {
    const script = path.join(TEMPLATES, 'client/node.sh')
    execFile('sh', [script, to, '24'], { env: { PATH, HOME: folder } }, (error, out, err) =>
      resolve({ code: error ? error.code : 0, out, err }),
    )
  })
  expect(said.code).not.toBe(0)
  expect(said.out).toBe('')
  expect(said.err).toContain('no index')
})
