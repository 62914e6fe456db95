import { randomBytes } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { hasCode, vmFolder } from './folder.ts'
import { releasePorts } from './ports.ts'
import { readVm } from './records.ts'

/** A launch that is still writing its folder is done long before. */
const LAUNCHING_MS = 60_000

/**
 * Takes a VM that has ended off the disk, and frees its ports. Moves the folder first, so that of several only one
 * removes it, and a new VM of the same name is never touched.
 * @param id the VM that is meant; null for whatever is there (a folder that does not say)
 */
export async function removeVm(home: string, name: string, id: string | null): Promise<void> {
  const { root } = vmFolder(home, name)
  const aside = `.gone-${randomBytes(8).toString('hex')}`
  try {
    await rename(root, path.join(home, 'vms', aside))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return
    throw error
  }
  const moved = vmFolder(home, aside)
  const vm = await readVm(moved)
  if (id !== null && vm && vm.id !== id) return rename(moved.root, root)
  if (vm) await releasePorts(home, vm.ports)
  // What cannot be removed now (a read-only folder of a job) is out of the way; prune tries again.
  await rm(moved.root, { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
}

/** Removes what killed launches and ends left behind. */
export async function pruneVms(home: string): Promise<void> {
  const vms = path.join(home, 'vms')
  const left = (await readdir(vms).catch(() => [])).filter(name => name.startsWith('.'))
  for (const name of left) {
    const folder = path.join(vms, name)
    const info = await stat(folder).catch(() => null)
    if (!info || Date.now() - info.mtimeMs < LAUNCHING_MS) continue
    await rm(folder, { recursive: true, force: true }).catch(() => {})
  }
}
