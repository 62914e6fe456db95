/**
 * The whole story: the built action, VMs of the stand-in sky that are machines of a mesh lab, the templates' own join,
 * real Kubernetes components, real model servers, and the smoke client that asks them by name.
 */
import path from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { expectClean, readReport } from '../../support/e2e-checks.ts'
import { filesThatHold } from '../../support/leaks.ts'
import { adminSecret, apiKeys, joinSecrets, watchCommands } from '../../support/mesh-secrets.ts'
import { createMeshWorld, type MeshWorld, modelServerSetup } from '../../support/mesh-sky.ts'
import type { RunResult, Watched } from '../../support/runner.ts'

const TEMPLATES = path.join(packageRoot(), 'templates')
const SERVER = path.join(packageRoot(), 'test/fixtures/templates/mesh-server.yaml')

async function meshInputs(models: readonly string[], mesh = 'auto'): Promise<Record<string, string>> {
  const environment = { SETUP: await modelServerSetup() }
  const served = models.map(key => [key, { model: 'SmolLM2-135M-Instruct', environment }])
  return {
    mesh,
    models: JSON.stringify(Object.fromEntries(served)),
    'server-template': SERVER,
    'client-template': path.join(TEMPLATES, 'smoke-client.yaml'),
    'max-tokens': '24',
    'max-minutes': '9',
  }
}

interface Secrets {
  readonly texts: readonly string[]
  readonly commands: ReadonlySet<string>
}

/** What was secret while the run had it is nowhere afterwards, and was in no command line. Logs: as the runner masks. */
async function expectKept(world: MeshWorld, result: RunResult, { texts, commands }: Secrets): Promise<void> {
  const { log, stderr, summary, annotations, outputs, state, post } = result
  const said = JSON.stringify([log, stderr, summary, annotations, outputs, state, post?.log, post?.stderr])
  for (const secret of texts) {
    expect(said).not.toContain(secret)
    expect([...commands].filter(command => command.includes(secret))).toEqual([])
    expect(await filesThatHold(world.world.folder, secret)).toEqual([])
  }
}

async function secretsOf(world: MeshWorld): Promise<readonly string[]> {
  const homes = path.join(world.sky.folder, 'vms')
  const all = [joinSecrets(world.lab), adminSecret(world.lab).then(one => [one]), apiKeys(homes)]
  const texts = (await Promise.all(all)).flat()
  // Of each kind one: else nothing would be looked for.
  expect(texts.length).toBeGreaterThanOrEqual(3)
  expect(texts.filter(text => text.length < 16)).toEqual([])
  return texts
}

test('two models are asked by name in a mesh of the run’s own, and nothing of it is left', async () => {
  await using world = await createMeshWorld()
  using watched = watchCommands()
  let texts: readonly string[] = []
  const when = async (main: Watched) => {
    await main.seen(/: answer …/)
    texts = await secretsOf(world)
  }
  const inputs = await meshInputs(['a', 'b'])
  const result = await world.run({ inputs, cancel: { when, how: 'not' } })
  expect(result, result.stdout).toMatchObject({ exitCode: 0, post: { exitCode: 0 } })
  const { results, markdown } = await readReport(result)
  expect(result.outputs.valid, markdown).toBe('true')
  expect(Object.keys(JSON.parse(result.outputs.scores ?? '{}'))).toEqual(['a', 'b'])
  expect(JSON.stringify(results)).toContain('SmolLM2-135M-Instruct')
  expect(world.alive()).toEqual([])
  expect(world.sky.ledger.map(({ name, endedBy }) => [name.replace(/-.*/, ''), endedBy]).toSorted()).toEqual(
    ['a', 'b', 'client', 'main'].map(key => [key, 'main']),
  )
  await expectKept(world, result, { texts, commands: watched.seen })
  await expectClean(world.world, result)
})

test('a run that is cancelled while it answers leaves neither VMs nor secrets', async () => {
  await using world = await createMeshWorld()
  using watched = watchCommands()
  let texts: readonly string[] = []
  const when = async (main: Watched) => {
    await main.seen(/a: answer …/)
    texts = await secretsOf(world)
  }
  const result = await world.run({ inputs: await meshInputs(['a']), cancel: { when, how: 'ladder' } })
  expect(result.exitCode, result.stdout).not.toBe(0)
  expect(world.alive()).toEqual([])
  expect(world.sky.ledger).toHaveLength(3)
  await expectKept(world, result, { texts, commands: watched.seen })
  await expectClean(world.world, result)
})

test('a main that cannot be set up fails the run with its cause, and everything is ended', async () => {
  await using world = await createMeshWorld({ start: 'echo "no K3s for this machine" >&2; exit 1' })
  const result = await world.run({ inputs: await meshInputs(['a']) })
  expect(result.exitCode, result.stdout).toBe(1)
  const { markdown } = await readReport(result)
  expect(markdown).toMatch(/there is no main node for the mesh/)
  expect(markdown).toMatch(/no K3s for this machine/)
  expect(world.alive()).toEqual([])
  await expectClean(world.world, result)
})
