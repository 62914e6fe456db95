import path from 'node:path'
import { currentEnv, type Env, packageRoot } from './env.ts'
import type { Fleet, FleetKind } from './fleet/fleet.ts'
import { lazyFleet } from './fleet/lazy.ts'
import { createLocalFleet } from './fleet/local/local.ts'
import { cloudOf, DEDICATED } from './fleet/sky/render/clouds.ts'

/** Clouds whose VMs can join a mesh. */
export const MESH_CLOUDS = DEDICATED

/** Whether VMs there are machines of their own, which can join a mesh: no pods, no containers, no jobs on a shared host. */
export function canJoin(infra: string): boolean {
  return MESH_CLOUDS.includes(cloudOf(infra))
}

export interface FleetOptions {
  /** The environment of what the fleet calls: the cloud's credentials included. */
  readonly env?: Env
  /** What will be launched on, of all VMs: decides what is installed when nothing is. */
  readonly infra?: readonly string[]
  /** Writes a line of what the fleet's commands print; in workflows with the runner's own commands for groups. */
  readonly log?: (line: string) => void
  readonly warn?: (text: string) => void
}

/** The fleet of a kind. Of the one for clouds nothing is loaded before it is asked for something. */
export function createFleet(kind: FleetKind = 'local', options: FleetOptions = {}): Fleet {
  if (kind === 'sky') return lazyFleet(kind, () => createSky(options))
  const dist = path.join(packageRoot(), 'dist')
  return createLocalFleet({
    runtime: {
      vmEntry: path.join(dist, 'vm', 'index.js'),
      cliEntry: path.join(dist, 'cli', 'index.js'),
      node: process.execPath,
    },
  })
}

async function createSky({
  env = currentEnv(),
  infra = [],
  log = say,
  warn = say,
}: FleetOptions): Promise<Fleet> {
  const { createRealSkyFleet } = await import('./fleet/sky/real.ts')
  return createRealSkyFleet({ env, infra, log, warn })
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
