import path from 'node:path'
import { type BenchDeps, bench } from '../../../src/bench.ts'
import { packageRoot } from '../../../src/env.ts'
import type { Fleet } from '../../../src/fleet/fleet.ts'
import type { SavedVm } from '../../../src/fleet/run-vms.ts'
import { skyRenderer } from '../../../src/fleet/sky/render/render.ts'
import { createSkyFleet } from '../../../src/fleet/sky/sky.ts'
import type { Inputs } from '../../../src/inputs.ts'
import { parseOptions } from '../../../src/options.ts'
import type { Phase, Results } from '../../../src/report/results.ts'
import { createRun } from '../../../src/run.ts'
import { worldMesh } from './mesh.ts'
import type { Process } from './runner.ts'
import { worldSkyCli } from './sky-cli.ts'
import { worldVmAccess } from './vm-access.ts'
import type { SkyWorld } from './world.ts'

export const RUN_ID = '4711'
export const REPOSITORY = 'acme/widgets'

/** The real fleet, of a process in the world. */
export function worldFleet(world: SkyWorld, process: Process, folder: string): Fleet {
  return createSkyFleet({
    cli: worldSkyCli(world, process),
    access: worldVmAccess(world, process),
    clock: process.clock,
    renderer: skyRenderer,
    folder,
    sharedServer: world.shared,
    warn: () => {},
    serverAnswers: async () => true,
  })
}

export interface WorldRun {
  readonly world: SkyWorld
  readonly process: Process
  /** For output, rendered templates and notes. */
  readonly folder: string
  readonly models: readonly string[]
  readonly options?: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal
  /** Each time that a phase begins or has ended. */
  readonly onPhase?: (subject: string, phase: Phase['name'], edge: 'begin' | 'end') => void
  readonly saveVms?: (vms: readonly SavedVm[]) => void
}

/** The real story of a run, in the world. */
export function worldBench(run: WorldRun): Promise<Results> {
  const { world, process, onPhase = () => {} } = run
  const deps: BenchDeps = {
    fleet: worldFleet(world, process, path.join(run.folder, 'fleet')),
    mesh: worldMesh(world, process),
    run: createRun({ GITHUB_RUN_ID: RUN_ID, GITHUB_REPOSITORY: REPOSITORY, GITHUB_JOB: 'bench' }, 'nonce'),
    clock: process.clock,
    progress: {
      start: (subject, phase) => onPhase(subject, phase, 'begin'),
      update: () => {},
      end: ({ subject, name }) => onPhase(subject, name, 'end'),
      warn: () => {},
    },
    saveDraft: () => {},
    saveVms: run.saveVms ?? (() => {}),
    signal: run.signal,
    label: name => name,
  }
  return bench(worldInputs(run), deps)
}

function worldInputs({ models, options = {}, folder }: WorldRun): Inputs {
  const templates = path.join(packageRoot(), 'test/fixtures/templates')
  const parsed = parseOptions(
    {
      models: Object.fromEntries(models.map(key => [key, { model: 'some/model' }])),
      benchmark: 'live_bench/reasoning',
      infra: 'aws',
      'server-template': path.join(templates, 'world-server.yaml'),
      'client-template': path.join(templates, 'world-client.yaml'),
      'output-directory': path.join(folder, 'out'),
      ...options,
    },
    name => name,
  )
  if (!('value' in parsed)) throw new Error(JSON.stringify(parsed.problems))
  return { options: parsed.value, secrets: {}, githubToken: '' } as Inputs
}
