import { cp, mkdir, readdir, readFile, realpath, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { AT } from './paths.ts'

/**
 * Copies the program's own folder to where its units find it: the one that it was started from is a job's, and goes.
 * @param from the folder of index.js
 * @returns whether anything was copied
 */
export async function installApp(root: string, from: string): Promise<boolean> {
  const target = path.join(root, AT.app)
  const [source, there] = await Promise.all([realpath(from), realpath(target).catch(() => null)])
  if (source === there || (await isSame(source, target))) return false
  const [draft, old] = [`${target}.new`, `${target}.old`]
  await mkdir(path.dirname(target), { recursive: true })
  await rm(draft, { recursive: true, force: true })
  await cp(source, draft, { recursive: true, dereference: true })
  await rm(old, { recursive: true, force: true })
  if (there !== null) await rename(target, old)
  await rename(draft, target)
  await rm(old, { recursive: true, force: true })
  return true
}

async function isSame(one: string, other: string): Promise<boolean> {
  const files = await filesIn(one)
  if (files.join('\n') !== (await filesIn(other)).join('\n')) return false
  for (const file of files) {
    const [a, b] = await Promise.all([one, other].map(folder => readFile(path.join(folder, file))))
    if (!a || !b?.equals(a)) return false
  }
  return true
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter(entry => entry.isFile())
    .map(entry => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort()
}
