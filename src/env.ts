import { existsSync, readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The environment is read here and in inputs.ts alone, and never at import. */
export type Env = Readonly<Record<string, string | undefined>>

export function currentEnv(): Env {
  return process.env
}

/**
 * Folder of all state that outlives a process: `vms/` (one folder a local VM) and `setups/` (cached setups).
 * `LMRUN_HOME`, else `lmrun` in the user's cache folder.
 */
export function lmrunHome(env: Env = currentEnv()): string {
  return env.LMRUN_HOME || path.join(env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'lmrun')
}

/** Takes what should not outlive the process, also when that is killed: a job's own, which the runner empties. */
export function tempFolder(env: Env): string {
  return env.RUNNER_TEMP || tmpdir()
}

/** The folder that holds action.yml, templates/ and dist/: the same from src, build and dist. */
export function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url))
  while (!existsSync(path.join(folder, 'action.yml'))) {
    const parent = path.dirname(folder)
    if (parent === folder) throw new Error(`no action.yml above ${fileURLToPath(import.meta.url)}`)
    folder = parent
  }
  return folder
}

/** Of package.json. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string
  }
  return manifest.version
}
