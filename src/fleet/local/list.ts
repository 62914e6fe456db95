import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { exists } from '../../files.ts'
import type { VmInfo } from '../fleet.ts'
import { vmFolder } from './folder.ts'
import { isUp, readLease, readVm } from './records.ts'

/** The VMs of a home, oldest first. One whose keeper is dead, or whose folder does not say, is ENDING: `down` ends it. */
export async function listVms(home: string): Promise<readonly VmInfo[]> {
  const names = (await readdir(path.join(home, 'vms')).catch(() => [])).filter(name => !name.startsWith('.'))
  const vms = await Promise.all(names.map(name => describe(home, name)))
  return vms.filter(vm => vm !== null).sort((a, b) => a.launchedAt - b.launchedAt)
}

async function describe(home: string, name: string): Promise<VmInfo | null> {
  const folder = vmFolder(home, name)
  const info = await stat(folder.root).catch(() => null)
  if (!info?.isDirectory()) return null
  const [vm, lease, up] = await Promise.all([readVm(folder), readLease(folder), isUp(folder)])
  const ending = await exists(folder.ending)
  const launchedAt = vm?.launchedAt ?? info.mtimeMs
  return {
    name,
    status: up && !ending ? 'UP' : 'ENDING',
    labels: vm?.labels ?? {},
    launchedAt,
    expiresAt: lease?.expiresAt ?? launchedAt,
  }
}
