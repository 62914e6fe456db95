import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { ActionDeps } from '../../../src/action-deps.ts'
import { bench } from '../../../src/bench.ts'
import { openCredentials } from '../../../src/credentials/credentials.ts'
import { type Env, packageRoot } from '../../../src/env.ts'
import type { Fleet } from '../../../src/fleet/fleet.ts'
import { lateCli } from '../../../src/fleet/sky/late-cli.ts'
import { skyFolder } from '../../../src/fleet/sky/real.ts'
import { skyRenderer } from '../../../src/fleet/sky/render/render.ts'
import { createSkyFleet } from '../../../src/fleet/sky/sky.ts'
import { loadActionInputs } from '../../../src/inputs.ts'
import type { Results } from '../../../src/report/results.ts'
import { createRun } from '../../../src/run.ts'
import type { FleetSource } from '../../../src/run-fleet.ts'
import { worldMesh } from './mesh.ts'
import type { Process } from './runner.ts'
import { worldSkyCli } from './sky-cli.ts'
import { worldVmAccess } from './vm-access.ts'
import type { SkyWorld } from './world.ts'

export const RUN_ID = '4711'
export const REPOSITORY = 'acme/widgets'

/** The real fleet, of a process in the world. */
export function worldFleet(world: SkyWorld, process: Process, folder: string): Fleet {
  const records = path.join(folder, 'calls')
  const find = async () => worldSkyCli(world, process, records)
  return createSkyFleet({
    cli: lateCli(find, records, process.runner.table(process.clock)),
    access: worldVmAccess(world, process),
    clock: process.clock,
    renderer: skyRenderer,
    folder,
    sharedServer: world.shared,
    warn: () => {},
    serverAnswers: async () => true,
  })
}

/** What the action finds in its environment. */
export function worldEnv(
  { shared }: SkyWorld,
  folder: string,
  inputs: Readonly<Record<string, string>>,
): Env {
  const templates = path.join(packageRoot(), 'test/fixtures/templates')
  const temp = path.join(folder, 'temp')
  mkdirSync(temp, { recursive: true })
  const all = {
    models: JSON.stringify({ a: { model: 'some/model' }, b: { model: 'some/model' } }),
    benchmark: 'live_bench/reasoning',
    infra: 'aws',
    mesh: 'auto',
    comment: 'never',
    secrets: 'VLLM_API_KEY',
    'server-template': path.join(templates, 'world-server.yaml'),
    'client-template': path.join(templates, 'world-client.yaml'),
    'output-directory': path.join(folder, 'out'),
    ...inputs,
  }
  return {
    GITHUB_RUN_ID: RUN_ID,
    GITHUB_REPOSITORY: REPOSITORY,
    GITHUB_JOB: 'bench',
    RUNNER_TEMP: temp,
    VLLM_API_KEY: 'a key',
    ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.example.com',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'right',
    ...(shared ? { SKYPILOT_API_SERVER_ENDPOINT: 'https://sky.example.com' } : {}),
    ...Object.fromEntries(Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  }
}

/** Fleets in the world, as a process has them. */
export function worldSource(world: SkyWorld, process: Process): FleetSource {
  return {
    clock: process.clock,
    createFleet: (_, { env = {} }) => worldFleet(world, process, skyFolder(env)),
    openMesh: parts => worldMesh(world, process, parts),
    openCredentials: (identity, deps) =>
      openCredentials(identity, { ...deps, ask: world.identity.ask(process) }),
  }
}

/** A step's runner, in the world. A process that has died says nothing, and saves nothing. */
export function worldDeps(
  world: SkyWorld,
  process: Process,
  { env, log, saveState, publish }: Pick<ActionDeps, 'env' | 'log' | 'saveState'> & { publish: Published },
): ActionDeps {
  const living =
    <T extends unknown[]>(work: (...args: T) => void) =>
    (...args: T) => {
      if (process.alive) work(...args)
    }
  return {
    env,
    log: living(log),
    warn: living(log),
    mask: () => {},
    saveState: living(saveState),
    source: worldSource(world, process),
    publish: async results => {
      if (process.alive) publish(results)
      return { commentUrl: '', failure: null }
    },
    nonce: 'nonce',
  }
}

export type Published = (results: Results) => void

/** The real story of a run of these models, in the world. */
export function worldBench(
  world: SkyWorld,
  process: Process,
  { folder, models }: { readonly folder: string; readonly models: readonly string[] },
): Promise<Results> {
  const served = Object.fromEntries(models.map(key => [key, { model: 'some/model' }]))
  const env = worldEnv(world, folder, { models: JSON.stringify(served) })
  return bench(loadActionInputs(env), {
    fleet: worldFleet(world, process, path.join(folder, 'fleet')),
    openMesh: parts => worldMesh(world, process, parts),
    run: createRun(env, 'nonce'),
    clock: process.clock,
    progress: { start: () => {}, update: () => {}, end: () => {}, warn: () => {} },
    saveDraft: () => {},
    saveVms: () => {},
    signal: new AbortController().signal,
    label: name => name,
  })
}
