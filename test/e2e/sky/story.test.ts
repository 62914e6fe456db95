import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { stringify } from 'yaml'
import { packageRoot } from '../../../src/env.ts'
import { createWorld, REPOSITORY, SECRET, TOKEN, type World } from '../../support/e2e.ts'
import { expectClean, expectNoSecrets, readReport } from '../../support/e2e-checks.ts'
import { filesThatHold } from '../../support/leaks.ts'
import { killAll, processesWith } from '../../support/processes.ts'
import type { RunResult } from '../../support/runner.ts'
import { INFRA, labUser } from '../../support/sky-lab/lab.ts'
import {
  ASK_SKY_MS,
  inLab,
  known,
  machine,
  startServer,
  template,
  until,
  watchArgv,
} from '../../support/sky-lab/world.ts'
import { labelsOf, serveRuns } from '../../sweep/support/world.ts'

/** The built action and command line with the real `sky`, whose VMs are allocations of a Slurm on this machine. */
const user = await labUser(inject('skyLab'), 'story')
const lmrun = path.join(packageRoot(), 'dist', 'cli', 'index.js')

/** After each test: nothing runs, and SkyPilot knows of nothing. */
afterEach(async () => {
  try {
    // Slurm takes a moment to complete a job that SkyPilot has cancelled.
    await expect.poll(machines).toEqual([])
    expect(await known(user)).toEqual([])
  } catch (error) {
    await user.sky('down', '-y', '-a')
    throw error
  }
})
afterAll(() => user.sky('api', 'stop'))

/** Slurm's queue also holds what other files launch. */
const OURS = /^(a|smol|client|other)-/
const machines = async () => (await user.machines()).filter(name => OURS.test(name)).sort()

test('the whole story: a real model answers, is graded, reported, and nothing is left, the API server included', async () => {
  await using world = await createWorld()
  expect(user.server()).toEqual([])
  const result = await world.run(await inLab(user, { id: '1001' }))
  expect(result, result.stdout).toMatchObject({ exitCode: 0, post: { exitCode: 0 } })

  const { markdown, results } = await readReport(result)
  expect(results.run.status).toBe('completed')
  const { scores, served } = results.models.smol
  expect(scores).toMatchObject({ valid: true, questions: { missing: 0, errors: 0 } })
  expect(served).toMatchObject({ model: 'SmolLM2-135M-Instruct', standIn: false })
  expect(markdown).toContain('slurm/lab')
  expect(world.ours()[0]?.body).toContain('both VMs gone')
  const files = await readdir(path.join(result.workspace, 'lmrun-out'), { recursive: true })
  expect(files.filter(file => file.endsWith('model_answer/smol.jsonl')).length).toBeGreaterThan(1)
  // Who starts the API server stops it.
  expect(user.server()).toEqual([])
  await clean(world, result)
})

describe('with an API server that was there', () => {
  beforeAll(() => startServer(user))

  test('on the command line', async () => {
    await using world = await createWorld()
    const { inputs = {}, env } = await inLab(user, { id: '', server: 'serve' })
    const flags = Object.entries(inputs).flatMap(([name, value]) => [`--${name}`, value])
    const bench = promisify(execFile)(process.execPath, [lmrun, 'bench', '--json', ...flags], {
      cwd: world.folder,
      env: { ...process.env, ...env, LMRUN_HOME: path.join(world.folder, 'home') },
    })
    // Its exit code says the same as its results, which say why.
    const { stdout, stderr } = await bench.catch(error => error as { stdout: string; stderr: string })
    const { scores, failure } = JSON.parse(stdout).models.a
    expect(failure, stderr).toBe(null)
    expect(scores).toMatchObject({ average: 50, valid: true })
    expect(user.server()).not.toEqual([])
  })

  test('a setup that fails', async () => {
    await using world = await createWorld()
    const result = await world.run(await inLab(user, { id: '1003', server: 'fail-setup' }))
    expect(result, result.stdout).toMatchObject({ exitCode: 1, post: { exitCode: 0 } })
    expect(result.stdout).toContain('failed in its setup')
    expect(result.stdout).toContain('disk full')
    await clean(world, result)
  })

  test('a run that exits 7, with a secret that is in no argv, log or file', async () => {
    await using world = await createWorld()
    const seven = { secrets: { HF_TOKEN: null }, run: `echo "given: \${#HF_TOKEN}"\nsleep 5\nexit 7` }
    const inputs = { 'server-template': await template(user, 'seven', seven), secrets: 'HF_TOKEN' }
    await using argv = watchArgv(SECRET)
    const result = await world.run(await inLab(user, { id: '1004', server: 'serve', inputs }))
    expect(result, result.stdout).toMatchObject({ exitCode: 1, post: { exitCode: 0 } })
    expect(result.stdout).toContain('exit code 7')
    // The VM had it.
    const logs = path.join(result.workspace, 'lmrun-out', 'logs')
    const log = (await readdir(logs)).find(name => /^a-.*\.log$/.test(name)) ?? ''
    expect(await readFile(path.join(logs, log), 'utf8')).toContain(`given: ${SECRET.length}`)
    expect(argv.seen).toEqual([])
    for (const folder of [user.home, path.join(user.lab, 'vm')]) {
      expect(await filesThatHold(folder, SECRET)).toEqual([])
    }
    await clean(world, result)
  })

  test.each([
    ['SIGINT', 'ladder', '1005'],
    ['SIGTERM', 'term', '1006'],
    ['SIGKILL', 'kill', '1007'],
  ] as const)('%s in the middle of a launch: post ends what comes up', async (_, how, id) => {
    await using world = await createWorld()
    const when = async () => void (await machine(user, 'a'))
    const result = await world.run(await inLab(user, { id, server: 'serve', cancel: { when, how } }))
    expect(result.exitCode, result.stdout).not.toBe(0)
    expect(result.post?.exitCode, result.post?.stdout).toBe(0)
    await clean(world, result)
  })

  test('a runner that vanishes in the middle of a launch: the sweeper ends what comes up, and nothing else', async () => {
    await using world = await createWorld()
    await Promise.all([
      launch('other-live', labelsOf({ run: '2008' })),
      launch('other-stranger', { owner: 'someone' }),
    ])
    const when = async () => void (await machine(user, 'a'))
    const cancel = { when, how: 'runner-gone' } as const
    const result = await world.run(await inLab(user, { id: '1008', server: 'serve', cancel }))
    killAll(result.orphans)
    const allUp = async () => {
      const vms = await known(user)
      return vms.length > OTHERS.length && vms.every(({ status }) => status === 'UP') ? vms : undefined
    }
    const up = await until('what was launched is up', allUp, { everyMs: ASK_SKY_MS })

    // Either of the run's two may have been the first in the queue.
    expect(await machines()).toEqual(up.map(({ name }) => name).sort())
    const swept = await sweep({ 1008: 'completed', 2008: 'in_progress' })
    await expect.poll(machines, { message: JSON.stringify(swept) }).toEqual(OTHERS)
    await user.sky('down', '-y', ...OTHERS)
  })

  test('a runner that vanishes with its API server: the lease ends its VMs', async () => {
    await using world = await createWorld()
    const cancel = {
      when: async () => {
        await machine(user, 'a')
        await until('the model is asked', async () => (asking() ? true : undefined))
      },
      how: 'runner-gone',
    } as const
    const inputs = { 'lease-minutes': '1' }
    const result = await world.run(await inLab(user, { id: '1009', server: 'hang', inputs, cancel }))
    killAll([...result.orphans, ...user.server()])
    await until('the lease is over', async () => {
      const left = await machines()
      return left.length === 0 ? left : undefined
    })
    // SkyPilot's own list follows.
    const empty = async () => {
      const vms = await known(user)
      return vms.length === 0 ? vms : undefined
    }
    await until('sky status is empty', empty, { everyMs: ASK_SKY_MS })
    await expectNoSecrets(world, result)
  })
})

/** SkyPilot's watchers of its own children end some seconds after those. */
async function clean(world: World, result: RunResult): Promise<void> {
  const orphans = result.orphans.filter(
    ({ command }) => !command.includes('/sky/skylet/subprocess_daemon.py'),
  )
  await expectClean(world, { ...result, orphans })
}

/** Whether a client asks on one of the VMs. */
function asking(): boolean {
  return processesWith(user.lab).some(({ command }) => /dist\/cli\/index\.js answer/.test(command))
}

const OTHERS = ['other-live', 'other-stranger']

/** A VM that is none of the run's. */
async function launch(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
  const file = path.join(user.home, `${name}.yaml`)
  await writeFile(file, stringify({ resources: { infra: INFRA, cpus: 1, labels }, run: 'sleep 900' }))
  expect(await user.sky('launch', '-y', '-d', '-c', name, file)).toContain('Job submitted')
}

/** The built command, through the API server, with a GitHub that says this of runs. */
async function sweep(runs: Readonly<Record<string, string>>): Promise<unknown> {
  await using github = await serveRuns(runs)
  const env = { ...process.env, ...user.env, GITHUB_API_URL: github.url, GITHUB_TOKEN: TOKEN }
  const args = ['sweep', '--sources', 'sky', '--repository', REPOSITORY, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, [lmrun, ...args], { env })
  return JSON.parse(stdout)
}
