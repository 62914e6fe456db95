/**
 * More of what befalls whole runs in a mesh, by the built action and command on VMs of the stand-in sky that are
 * machines of a mesh lab. The models echo what they are asked.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import type { MeshStatus } from '../../../src/mesh/status.ts'
import { expectClean, readReport } from '../../support/e2e-checks.ts'
import { nodeNames } from '../../support/mesh-runner.ts'
import { joinSecrets } from '../../support/mesh-secrets.ts'
import { createMeshWorld, type MeshWorld } from '../../support/mesh-sky.ts'
import type { RunResult, Watched } from '../../support/runner.ts'

const root = packageRoot()
const cli = path.join(root, 'dist/cli/index.js')
const execute = promisify(execFile)
const PATIENCE = { timeout: 90_000, interval: 250 }

function echoInputs(mesh: string, { delayMs = 0 } = {}): Record<string, string> {
  const environment = {
    NODE: process.execPath,
    STAND_IN: path.join(root, 'test/support/openai-server.ts'),
    DELAY_MS: String(delayMs),
  }
  return {
    mesh,
    models: JSON.stringify({ a: { model: 'acme/echo-1', environment } }),
    'server-template': path.join(root, 'test/fixtures/templates/mesh-echo.yaml'),
    'client-template': path.join(root, 'templates/smoke-client.yaml'),
    parallel: '1',
    'max-minutes': '6',
  }
}

/** Of the command, with the stand-in sky on its PATH. */
function env({ sky, world }: MeshWorld): NodeJS.ProcessEnv {
  return { ...process.env, ...sky.env, LMRUN_HOME: path.join(world.folder, 'home') }
}

/** Names of the VM's Nodes. */
async function nodesOf({ lab }: MeshWorld, vm: string): Promise<readonly string[]> {
  return (await nodeNames(lab)).filter(name => name.startsWith(`${vm}.`))
}

test('a server that vanishes while its model answers is launched again by its name, and asked what is missing', async () => {
  await using world = await createMeshWorld()
  let nodes: readonly (readonly string[])[] = []
  const when = async (main: Watched) => {
    await main.seen(/a: answer …/)
    const name = await world.vm('a')
    const before = await nodesOf(world, name)
    await world.sky.preempt(name)
    // One of its name, and its predecessor is out.
    await vi.waitFor(async () => {
      const now = await nodesOf(world, name)
      nodes = [before, now]
      expect(now).toHaveLength(1)
      expect(now).not.toEqual(before)
    }, PATIENCE)
  }
  const inputs = echoInputs('auto', { delayMs: 4000 })
  const result = await world.run({ inputs, cancel: { when, how: 'not' } })
  expect(result, result.stdout).toMatchObject({ exitCode: 0, post: { exitCode: 0 } })
  const { results, markdown } = await readReport(result)
  expect(result.outputs.valid, markdown).toBe('true')
  expect(nodes.map(({ length }) => length)).toEqual([1, 1])
  expect(results.retries).toMatchObject([{ subject: 'a', kind: 'lost', next: 'again' }])
  const servers = world.sky.ledger.filter(({ name }) => name.startsWith('a-'))
  expect(servers.map(({ endedBy }) => endedBy)).toEqual(['cloud', 'main'])
  expect(new Set(servers.map(({ name }) => name)).size).toBe(1)
  expect(world.alive()).toEqual([])
  await expectClean(world.world, result)
})

test('a mesh that stays is shared by runs with models of one name, keeps nothing of them, and is ended by hand', async () => {
  await using world = await createMeshWorld()
  const lmrun = async (...args: readonly string[]) => {
    const { stdout, stderr } = await execute(
      process.execPath,
      [path.join(root, 'dist/cli/index.js'), ...args],
      {
        env: { ...process.env, ...world.sky.env, LMRUN_HOME: path.join(world.world.folder, 'home') },
      },
    )
    return `${stdout}${stderr}`
  }
  expect(await lmrun('mesh', 'up', '--infra', 'lambda')).toMatch(/main is up \(.*: VMs can join/)
  const others = await nodeNames(world.lab)
  expect(others).toHaveLength(1)
  const tokens = await joinSecrets(world.lab)

  const seen: MeshStatus[] = []
  const both = Promise.withResolvers<void>()
  let answering = 0
  const when = async (main: Watched) => {
    await main.seen(/a: answer …/)
    answering += 1
    if (answering < 2) return both.promise
    try {
      seen.push(JSON.parse(await lmrun('mesh', 'status', '--format', 'json')))
    } finally {
      both.resolve()
    }
  }
  const run = (id: string) =>
    world.run({
      inputs: { ...echoInputs('main', { delayMs: 5000 }), 'comment-key': id },
      env: { GITHUB_RUN_ID: id },
      cancel: { when, how: 'not' },
    })
  const results = await Promise.all([run('1001'), run('1002')])
  for (const result of results) await expectOwn(result)
  expect(seen[0]?.services.map(({ name }) => name.replace(/-\w+$/, ''))).toEqual(['a', 'a'])
  expect(new Set(seen[0]?.nodes.map(({ run }) => run))).toEqual(new Set([null, '1001', '1002']))

  expect(world.alive()).toEqual(['main'])
  expect(await nodeNames(world.lab)).toEqual(others)
  expect(await joinSecrets(world.lab)).toEqual(tokens)
  // The lab's own main has not the label that k3s_server gives it: it counts as a VM that is in.
  expect(await lmrun('mesh', 'down', '--yes')).toContain('these VMs are in the mesh')
  expect(world.alive()).toEqual([])
  for (const result of results) await expectClean(world.world, result)
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends a main that is being made, wherever it has come to',
  async signal => {
    await using world = await createMeshWorld({ start: 'echo "it starts"; sleep 600' })
    const up = async (when: () => Promise<unknown>) => {
      const command = spawn(process.execPath, [cli, 'mesh', 'up', '--infra', 'lambda'], { env: env(world) })
      const said = text(command.stderr)
      const exit = once(command, 'exit')
      await when()
      command.kill(signal)
      return { exit: await exit, said: await said }
    }
    const early = await up(() => state(world, 'provisioning'))
    expect(early.exit, early.said).toEqual([130, null])
    expect(world.alive()).toEqual([])
    const late = await up(async () => {
      await state(world, 'up')
      await world.world.running(/sleep 600/)
    })
    expect(late.exit, late.said).toEqual([130, null])
    expect(world.alive()).toEqual([])
    expect(world.world.left()).toEqual([])
  },
)

function state({ sky }: MeshWorld, wanted: 'provisioning' | 'up'): Promise<void> {
  return vi.waitFor(() => expect(sky.cloud.find('main')?.state).toBe(wanted), PATIENCE)
}

/** The answers are those of the run's own server: each echoes what it was asked. */
async function expectOwn(result: RunResult): Promise<void> {
  expect(result, result.stdout).toMatchObject({ exitCode: 0, post: { exitCode: 0 } })
  const { markdown } = await readReport(result)
  expect(result.outputs.valid, markdown).toBe('true')
}
