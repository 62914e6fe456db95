import type { Env } from '../env.ts'
import type { PreflightCheck } from '../fleet/fleet.ts'
import { isUsableSky } from '../fleet/sky/install/extras.ts'
import { findOnPath, skyVersion } from '../fleet/sky/install/on-path.ts'
import { runTool } from '../fleet/sky/install/tool.ts'

/** Tools of this machine, and what each is for. None is needed by every run, so none of them fails a doctor. */
const TOOLS = [
  { name: 'python3', args: ['--version'], use: 'for infra: local, and to install SkyPilot' },
  { name: 'uv', args: ['--version'], use: 'installs SkyPilot several times faster than pip' },
  { name: 'ssh', args: ['-V'], use: 'reaches the VMs of a cloud' },
  { name: 'rsync', args: ['--version'], use: 'brings files from and to the VMs of a cloud' },
] as const
const OPTIONAL: readonly string[] = ['uv']

export async function checkMachine(env: Env, signal: AbortSignal): Promise<readonly PreflightCheck[]> {
  const node: PreflightCheck = { what: 'node', status: 'ok', detail: process.version }
  return [
    node,
    ...(await Promise.all([...TOOLS.map(tool => checkTool(tool, env, signal)), checkSky(env, signal)])),
  ]
}

async function checkTool(
  { name, args, use }: (typeof TOOLS)[number],
  env: Env,
  signal: AbortSignal,
): Promise<PreflightCheck> {
  const file = await findOnPath(name, env)
  if (file === null) {
    const status = OPTIONAL.includes(name) ? 'unknown' : 'warning'
    return { what: name, status, detail: 'not on the PATH', hint: `It ${use.replace(/^for/, 'is for')}` }
  }
  const result = await runTool(file, args, { env, signal }).catch(() => null)
  signal.throwIfAborted()
  return { what: name, status: 'ok', detail: `${result?.output[0] ?? 'there'} (${file})` }
}

async function checkSky(env: Env, signal: AbortSignal): Promise<PreflightCheck> {
  const what = 'sky'
  const file = await findOnPath(what, env)
  if (file === null)
    return { what, status: 'ok', detail: 'not on the PATH: a run in a cloud installs its own' }
  const version = await skyVersion(file, env, signal)
  const detail = `SkyPilot ${version ?? 'of a version that cannot be told'} (${file})`
  if (env.SKYPILOT_API_SERVER_ENDPOINT || (version !== null && isUsableSky(version)))
    return { what, status: 'ok', detail }
  return { what, status: 'warning', detail, hint: 'A run in a cloud needs 0.14, or none on the PATH' }
}
