import path from 'node:path'
import { packageRoot } from './env.ts'
import type { Fleet, FleetKind } from './fleet/fleet.ts'
import { createLocalFleet } from './fleet/local/local.ts'

/** The fleet of a kind, which is also the name of its infra; the second one joins here. */
export function createFleet(_kind: FleetKind = 'local'): Fleet {
  const dist = path.join(packageRoot(), 'dist')
  return createLocalFleet({
    runtime: {
      vmEntry: path.join(dist, 'vm', 'index.js'),
      cliEntry: path.join(dist, 'cli', 'index.js'),
      node: process.execPath,
    },
  })
}
