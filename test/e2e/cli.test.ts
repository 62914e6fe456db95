import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from '../../src/env.ts'
import { killAll, processesWith } from '../support/processes.ts'

const root = packageRoot()
const cli = path.join(root, 'dist/cli/index.js')

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-cli-'))
})
afterEach(async () => {
  killAll(processesWith(folder))
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The built command in a folder of its own; `onChild` may signal it when its standard error says so. */
async function lmrun(
  args: string[],
  onLine: (text: string, child: ChildProcess) => void = () => {},
): Promise<Ended> {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    TMPDIR: tmpdir(),
    LMRUN_HOME: path.join(folder, 'home'),
  }
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', data => {
    stdout += data
  })
  child.stderr.on('data', data => {
    stderr += data
    onLine(stderr, child)
  })
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { code, stdout, stderr }
}

/** Options in lmrun.yaml, with a quick stand-in for a model server. */
async function configure(mode: string): Promise<void> {
  const environment = {
    NODE: process.execPath,
    STAND_IN: `${root}/test/support/openai-server.ts`,
    MODE: mode,
  }
  const options = {
    models: { small: { model: 'some/model', environment } },
    benchmark: 'live_bench/reasoning',
    'server-template': `${root}/test/fixtures/templates/fake-server.yaml`,
  }
  await writeFile(path.join(folder, 'lmrun.yaml'), JSON.stringify(options))
}

test('a run from lmrun.yaml ends with a report, and its results on standard output alone', async () => {
  await configure('serve')
  const { code, stdout, stderr } = await lmrun(['bench', '--json', '--parallel', '2'])
  expect(code, stderr).toBe(0)
  const results = JSON.parse(stdout)
  expect(results).toMatchObject({ schema: 'lmrun.results/v1', benchmark: { parallel: 2, questionCount: 9 } })
  expect(JSON.parse(await readFile(path.join(folder, 'lmrun-out/results.json'), 'utf8'))).toEqual(results)
  expect(stderr).toContain('small: grade done')
  expect(processesWith(folder)).toEqual([])
  const again = await lmrun(['report', 'lmrun-out'])
  expect(again.stdout).toContain('LMRun smoke test')
})

test('interrupted, it ends its VMs and says so', async () => {
  await configure('load')
  let sent = false
  const { code, stdout } = await lmrun(['bench'], (text, child) => {
    if (!sent && text.includes('small: load …')) sent = child.kill('SIGINT')
  })
  expect(code).toBe(130)
  expect(stdout).toMatch(/cancelled.*\n.*gone/)
  expect(processesWith(folder)).toEqual([])
})

test('what a killed run left is listed and ended', async () => {
  await configure('load')
  const { code } = await lmrun(['bench'], (text, child) => {
    if (text.includes('client: launch done')) child.kill('SIGKILL')
  })
  expect(code).toBeNull()
  const listed = JSON.parse((await lmrun(['ls', '--json'])).stdout) as { name: string }[]
  expect(listed.map(({ name }) => name.replace(/-[a-z0-9]{5}$/, '')).sort()).toEqual(['client', 'small'])
  const down = await lmrun(['down', '--all', '--json'])
  expect(JSON.parse(down.stdout)).toEqual(
    expect.arrayContaining(listed.map(({ name }) => ({ name, verified: true }))),
  )
  expect((await lmrun(['ls'])).stdout).toBe('No VM is up.\n')
  expect(processesWith(folder)).toEqual([])
})

test.each([
  [['bench'], '--models: is required'],
  [
    ['bench', '--models', 'a: b', '--parallel', 'x'],
    '--parallel: "x" is not allowed. Give a whole number from 1',
  ],
  [['bench', '--modles', 'a: b'], "unknown option '--modles'"],
  [['bench', '--models', 'a: b', '--questions', 'nowhere'], 'questions: there is no'],
  [['down'], 'nothing to end was named'],
  [['score', 'nowhere'], 'nowhere'],
  [['answer'], '--model'],
  [['report', 'nowhere'], 'nowhere'],
  [['nonsense'], "unknown command 'nonsense'"],
])('%j is refused with exit code 2', async (args, message) => {
  const { code, stderr, stdout } = await lmrun(args)
  expect(stderr).toContain(message)
  expect([code, stdout]).toEqual([2, ''])
})
