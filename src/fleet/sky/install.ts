import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readlink, rm, stat, symlink, utimes } from 'node:fs/promises'
import path from 'node:path'
import { type Env, lmrunHome } from '../../env.ts'
import { InputError, LmrunError } from '../../errors.ts'
import { exists } from '../../files.ts'
import { actionsCache, type FolderCache } from './install/actions-cache.ts'
import { isUsableSky, SKY_VERSION, skyExtras } from './install/extras.ts'
import { findInstaller, type Installer } from './install/installer.ts'
import { findOnPath, packageVersion, skyVersion } from './install/on-path.ts'

export interface SkyInstall {
  /** Path of the `sky` command. Its folder belongs first on the PATH of every call: it also holds `aws`. */
  readonly bin: string
  /** `unknown` only for a client of a shared API server. */
  readonly version: string
}

export interface SkyInstallOptions {
  /** The infra of the whole run: what it needs decides what is installed. Empty: what was used last will do. */
  readonly infra: readonly string[]
  readonly env: Env
  readonly log: (line: string) => void
  readonly warn: (text: string) => void
  readonly signal: AbortSignal
  /** Default: the Actions cache, in workflows. */
  readonly cache?: FolderCache | null
}

/** Name of the link that says which folder holds a whole install. */
const CURRENT = 'current'
/** What a killed install left is removed by a later one. */
const STALE_MS = 60 * 60_000

/**
 * The `sky` on the PATH when it is one that the fleet knows; else an install of our own, made once and kept.
 * With a shared API server (SKYPILOT_API_SERVER_ENDPOINT) any `sky` will do, since it has to fit the server.
 * @throws InputError when the `sky` on the PATH is of another version: a second one would share its state in ~/.sky
 * @throws LmrunError when there is none and none can be installed
 */
export async function findOrInstallSky(options: SkyInstallOptions): Promise<SkyInstall> {
  const { env, signal } = options
  const shared = Boolean(env.SKYPILOT_API_SERVER_ENDPOINT)
  const bin = await findOnPath('sky', env)
  // Who only lists and ends VMs does not know what they were launched with: whoever launched them did.
  const used = bin === null && options.infra.length === 0 ? await lastUsed(toolFolder(env)) : null
  if (used) return used
  if (bin === null) return ownSky(shared ? [] : skyExtras(options.infra), options)
  const version = await skyVersion(bin, env, signal)
  if (shared || (version !== null && isUsableSky(version))) return { bin, version: version ?? 'unknown' }
  throw new InputError([
    {
      where: bin,
      what: version === null ? 'a sky whose version cannot be told' : `SkyPilot ${version}`,
      allowed: `lmrun knows SkyPilot 0.14: upgrade this one (skypilot==${SKY_VERSION}), or take it off the PATH to let lmrun install its own. Two versions would fight over ~/.sky`,
    },
  ])
}

async function ownSky(extras: readonly string[], options: SkyInstallOptions): Promise<SkyInstall> {
  const { env, signal, log, warn, cache = actionsCache(env, warn) } = options
  const installer = await findInstaller(env, signal)
  const key = installKey(extras, installer)
  const folder = path.join(toolFolder(env), key)
  const there = await wholeInstall(folder)
  if (there) return noteUse(folder, there)
  if (cache && (await cache.restore(folder, key))) {
    const restored = await wholeInstall(folder)
    if (restored) {
      log(`SkyPilot ${restored.version} comes from the Actions cache`)
      return noteUse(folder, restored)
    }
  }
  const installed = await install(folder, extras, installer, options)
  // Nobody waits for the upload: the run goes on, and a process that ends first only costs the next one a minute.
  void cache?.save(folder, key)
  return noteUse(folder, installed)
}

/** The time of a folder says when its install was last taken for a run. */
async function noteUse(folder: string, install: SkyInstall): Promise<SkyInstall> {
  const now = new Date()
  await utimes(folder, now, now).catch(() => {})
  return install
}

async function lastUsed(tools: string): Promise<SkyInstall | null> {
  const names = await readdir(tools).catch((): string[] => [])
  const folders = names
    .filter(name => name.startsWith(`sky-${SKY_VERSION}-`))
    .map(name => path.join(tools, name))
  const timed = await Promise.all(
    folders.map(async folder => ({ folder, at: (await stat(folder).catch(() => null))?.mtimeMs ?? 0 })),
  )
  for (const { folder } of timed.toSorted((a, b) => b.at - a.at)) {
    const install = await wholeInstall(folder)
    if (install) return install
  }
  return null
}

/** The runner's tool cache, which self-hosted runners keep; elsewhere lmrun's own folder. */
function toolFolder(env: Env): string {
  const tools = env.GITHUB_ACTIONS === 'true' ? env.RUNNER_TOOL_CACHE : undefined
  return tools ? path.join(tools, 'lmrun-sky') : path.join(lmrunHome(env), 'tools')
}

/** Names the folder and the cache entry: a virtual environment fits one platform and one Python. */
export function installKey(extras: readonly string[], { python }: Pick<Installer, 'python'>): string {
  const platform = `${process.platform}-${process.arch}`
  const hash = createHash('sha256')
    .update(JSON.stringify([extras, platform, python]))
    .digest('hex')
  return `sky-${SKY_VERSION}-${platform}-${hash.slice(0, 12)}`
}

/** What the link leads to, when that is still whole: its Python may have been removed. */
async function wholeInstall(folder: string): Promise<SkyInstall | null> {
  const venv = path.join(folder, CURRENT)
  const bin = path.join(venv, 'bin', 'sky')
  const version = await packageVersion(venv)
  if (version === null || !(await exists(bin))) return null
  return (await exists(path.join(venv, 'bin', 'python'))) ? { bin, version } : null
}

/**
 * Installs into a folder of its own, whose path is part of its scripts, and links to it when it is whole. Making the
 * link happens or does not: a half install is never found, and of two at once the later takes the earlier's.
 */
async function install(
  folder: string,
  extras: readonly string[],
  installer: Installer,
  { env, log, signal }: SkyInstallOptions,
): Promise<SkyInstall> {
  const name = `venv-${randomBytes(6).toString('hex')}`
  const venv = path.join(folder, name)
  await mkdir(folder, { recursive: true })
  await removeStale(folder)
  log(
    `Installing SkyPilot ${SKY_VERSION}${extras.length > 0 ? ` for ${extras.join(', ')}` : ''} by ${installer.by}`,
  )
  const startedAt = Date.now()
  try {
    await installer.install(venv, extras, { env, signal, onLine: progress(log) })
    await publish(folder, name)
  } catch (error) {
    await rm(venv, { recursive: true, force: true })
    throw error
  }
  const installed = await wholeInstall(folder)
  if (!installed) throw new LmrunError(`${installer.by} installed SkyPilot, but no command \`sky\``)
  log(`SkyPilot ${installed.version} is installed (${Math.round((Date.now() - startedAt) / 1000)} s)`)
  return installed
}

async function publish(folder: string, name: string): Promise<void> {
  const link = path.join(folder, CURRENT)
  try {
    await symlink(name, link)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    if (await wholeInstall(folder)) return rm(path.join(folder, name), { recursive: true, force: true })
    // What it leads to is broken: nobody can be using it.
    await rm(link, { force: true })
    await symlink(name, link)
  }
}

async function removeStale(folder: string): Promise<void> {
  const current = await readlink(path.join(folder, CURRENT)).catch(() => null)
  for (const name of await readdir(folder)) {
    if (name === CURRENT || name === current) continue
    const file = path.join(folder, name)
    const info = await stat(file).catch(() => null)
    if (info && Date.now() - info.mtimeMs > STALE_MS) await rm(file, { recursive: true, force: true })
  }
}

/** pip tells of each of its hundred packages: the steps are enough. */
function progress(log: (line: string) => void): (line: string) => void {
  return line => {
    if (/^(Resolved|Prepared|Installed|Successfully installed|Installing collected|ERROR|error)/.test(line))
      log(line.slice(0, 200))
  }
}
