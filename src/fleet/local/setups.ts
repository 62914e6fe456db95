import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { hasCode } from './folder.ts'
import { acquire, type Holder, isLocked, type LockOptions } from './lock.ts'

export interface UseSetup {
  readonly home: string
  readonly key: string
  readonly holder: Holder
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  readonly onDead: NonNullable<LockOptions['onDead']>
  /** Builds into the folder; true when it went well. */
  readonly build: (folder: string) => Promise<boolean>
}

const UNUSED_MS = 14 * 24 * 3600 * 1000

/** Written last: a folder without it was never finished. Its time is that of the last use. */
const DONE = '.lmrun-done'

export function setupFolder(home: string, key: string): string {
  return path.join(home, 'setups', key)
}

/** Makes sure that the setup is there: from the cache, or built by one VM while the others wait. False when it failed. */
export async function useSetup({
  home,
  key,
  holder,
  signal,
  say,
  onDead,
  build,
}: UseSetup): Promise<boolean> {
  const folder = setupFolder(home, key)
  const lock = {
    holder,
    signal,
    onDead,
    onWait: ({ vm }: Holder) => say(`waiting for the same setup of ${vm}`),
  }
  await using _held = await acquire(`${folder}.lock`, lock)
  if (await touch(folder)) {
    say('setup from cache')
    return true
  }
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const done = await build(folder)
  // An interrupted setup may have ended well by its own account.
  if (done && !signal.aborted) await writeFile(path.join(folder, DONE), '')
  else await rm(folder, { recursive: true, force: true }).catch(() => {})
  return done
}

/** Records a use; false when there is no finished setup. */
export async function touch(folder: string): Promise<boolean> {
  const now = new Date()
  try {
    await utimes(path.join(folder, DONE), now, now)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Removes setups that nobody used for two weeks, and those that were never finished. */
export async function pruneSetups(home: string, holder: Holder, signal: AbortSignal): Promise<void> {
  const root = path.join(home, 'setups')
  const keys = (await readdir(root).catch(() => [])).filter(name => /^[0-9a-f]+$/.test(name))
  for (const key of keys) {
    const folder = path.join(root, key)
    if (!(await isOld(folder)) || (await isLocked(`${folder}.lock`))) continue
    await using _held = await acquire(`${folder}.lock`, { holder, signal })
    // Somebody may have used it since we looked.
    if (await isOld(folder)) await rm(folder, { recursive: true, force: true })
  }
}

async function isOld(folder: string): Promise<boolean> {
  const used =
    (await stat(path.join(folder, DONE)).catch(() => null)) ?? (await stat(folder).catch(() => null))
  return used !== null && Date.now() - used.mtimeMs > UNUSED_MS
}
