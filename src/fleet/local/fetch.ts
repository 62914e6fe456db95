import { cp, lstat, mkdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { InputError } from '../../errors.ts'

/**
 * Copies a file or folder out of a VM's working folder. Links come out as what they point to, and only where that is
 * a file of the same working folder: what a job wrote can point anywhere.
 * @returns false when it is not there
 */
export async function copyOut(work: string, from: string, to: string): Promise<boolean> {
  const source = path.resolve(work, from)
  if (path.isAbsolute(from) || !isInside(work, source)) {
    const allowed = "Give a path relative to the VM's working folder, and inside it"
    throw new InputError([{ where: 'fetch', what: `"${from}"`, allowed }])
  }
  const root = await realpath(work).catch(() => null)
  const target = root && (await realpath(source).catch(() => null))
  if (!root || !target || !isInside(root, target)) return false
  await mkdir(path.dirname(path.resolve(to)), { recursive: true })
  await cp(target, to, {
    recursive: true,
    dereference: true,
    force: true,
    filter: file => copies(root, file),
  })
  return true
}

/** Copies a file or folder of this machine into a VM's working folder, over what is there. */
export async function copyIn(work: string, from: string, to: string): Promise<void> {
  const target = path.resolve(work, to)
  if (path.isAbsolute(to) || !isInside(work, target)) {
    const allowed = "Give a path relative to the VM's working folder, and inside it"
    throw new InputError([{ where: 'push', what: `"${to}"`, allowed }])
  }
  await mkdir(path.dirname(target), { recursive: true })
  await cp(from, target, { recursive: true, force: true })
}

async function copies(root: string, file: string): Promise<boolean> {
  try {
    const info = await lstat(file)
    if (!info.isSymbolicLink()) return info.isFile() || info.isDirectory()
    return isInside(root, await realpath(file)) && (await stat(file)).isFile()
  } catch {
    return false // A dangling link, or gone meanwhile.
  }
}

function isInside(folder: string, file: string): boolean {
  const relative = path.relative(folder, file)
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative)
}
