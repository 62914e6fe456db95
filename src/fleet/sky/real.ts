import { homedir } from 'node:os'
import path from 'node:path'
import { systemClock } from '../../clock.ts'
import { type Env, lmrunHome } from '../../env.ts'
import type { Fleet } from '../fleet.ts'
import { createSkyCli } from './cli.ts'
import { findOrInstallSky } from './install.ts'
import { lateCli } from './late-cli.ts'
import { ACTIONS_GROUPS, LogGroups, PLAIN_GROUPS } from './log-groups.ts'
import { preflight } from './preflight/preflight.ts'
import { skyRenderer } from './render/render.ts'
import { localServerAnswers } from './server.ts'
import { sharedServer } from './server-address.ts'
import { createSkyFleet } from './sky.ts'
import { createSshAccess } from './ssh/access.ts'
import type { SkyCli } from './types.ts'

export interface RealSkyOptions {
  readonly env: Env
  /** What will be launched on: decides what is installed. Empty: nothing will be, only looked for and ended. */
  readonly infra: readonly string[]
  readonly log: (line: string) => void
  readonly warn: (text: string) => void
}

/** The fleet on the real `sky`, which is found or installed beside whatever is asked first. */
export async function createRealSkyFleet(options: RealSkyOptions): Promise<Fleet> {
  const { env, warn } = options
  const folder = skyFolder(env)
  const isShared = (await sharedServer(env, process.cwd())) !== null
  const cli = installedCli(options, path.join(folder, 'calls'))
  const home = env.HOME || homedir()
  const access = createSshAccess({ home, env, clock: systemClock })
  const looking = { renderer: skyRenderer, clock: systemClock, env, sharedServer: isShared }
  const fleet = createSkyFleet({
    cli,
    access,
    clock: systemClock,
    renderer: skyRenderer,
    folder,
    sharedServer: isShared,
    serverAnswers: () => localServerAnswers(env.SKYPILOT_API_SERVER_LOCAL_PORT || undefined),
    warn,
    preflight: (requests, limits, noticed) => preflight(requests, limits, { ...looking, cli: noticed }),
  })
  const close = fleet.close.bind(fleet)
  return Object.assign(fleet, { close: () => close().finally(() => access.close()) })
}

/** Where main and post of a job find the same: a job's own temporary folder; else the user's, shared by all runs. */
export function skyFolder(env: Env): string {
  return env.RUNNER_TEMP ? path.join(env.RUNNER_TEMP, 'lmrun-sky') : path.join(lmrunHome(env), 'sky')
}

/** Found or installed when it is first called. */
function installedCli({ env, infra, log, warn }: RealSkyOptions, records: string): SkyCli {
  const style = env.GITHUB_ACTIONS === 'true' ? ACTIONS_GROUPS : PLAIN_GROUPS
  const find = async (signal: AbortSignal) => {
    const { bin } = await findOrInstallSky({ infra, env, log, warn, signal })
    return createSkyCli({ bin, records, env, groups: new LogGroups(log, style) })
  }
  return lateCli(find, records)
}
