import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { PlannedFile } from './types.ts'

export interface FileOwner {
  readonly uid: number
  readonly gid: number
}

/** Null when it is not there. */
export async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/**
 * Writes what is not so already, each whole or not at all, and never readable by more than its mode says.
 * @returns the paths of those that changed
 */
export async function writePlanned(
  root: string,
  files: readonly PlannedFile[],
  owner: FileOwner | null = null,
): Promise<string[]> {
  const changed: string[] = []
  for (const file of files) {
    const target = path.join(root, file.path)
    if (await isAsPlanned(target, file)) continue
    const made = await mkdir(path.dirname(target), { recursive: true })
    if (made !== undefined && owner) await chown(made, owner.uid, owner.gid)
    const draft = `${target}.${process.pid}`
    await rm(draft, { force: true })
    await writeFile(draft, file.content, { mode: file.mode & 0o700, flag: 'wx' })
    if (owner) await chown(draft, owner.uid, owner.gid)
    await chmod(draft, file.mode)
    await rename(draft, target)
    changed.push(file.path)
  }
  return changed
}

async function isAsPlanned(target: string, { mode, content }: PlannedFile): Promise<boolean> {
  if ((await readIfThere(target)) !== content) return false
  return ((await stat(target)).mode & 0o777) === mode
}

/** @returns whether it was there */
export async function removeIfThere(file: string): Promise<boolean> {
  const there = await stat(file).then(
    () => true,
    () => false,
  )
  await rm(file, { recursive: true, force: true })
  return there
}
