import { LmrunError } from '../../errors.ts'
import type { VmInfo } from '../fleet.ts'
import type { SkyContext } from './context.ts'
import type { VmNote } from './notes.ts'
import type { SkyVm } from './output.ts'
import { askStatus } from './queries.ts'

const STATUSES: Readonly<Record<string, VmInfo['status']>> = {
  INIT: 'STARTING',
  PENDING: 'STARTING',
  UP: 'UP',
  STOPPED: 'STOPPED',
  AUTOSTOPPING: 'ENDING',
}

/**
 * The VMs of this user that SkyPilot knows, others' than lmrun's included: those have none of our labels.
 * @throws LmrunError when SkyPilot does not say
 */
export async function listVms(
  { cli, notes }: Pick<SkyContext, 'cli' | 'notes'>,
  ending: ReadonlySet<string>,
): Promise<readonly VmInfo[]> {
  const read = await askStatus(cli, [])
  if (!read.ok) throw new LmrunError(`sky status cannot be read: ${read.reason}`)
  return Promise.all(read.value.map(async vm => infoOf(vm, await notes.get(vm.name), ending.has(vm.name))))
}

function infoOf(vm: SkyVm, note: VmNote | null, ending: boolean): VmInfo {
  return {
    name: vm.name,
    status: ending ? 'ENDING' : (STATUSES[vm.status] ?? 'STARTING'),
    labels: { ...note?.labels, ...vm.labels },
    launchedAt: note?.launchedAt ?? (vm.launched_at ?? 0) * 1000,
    expiresAt: note?.expiresAt ?? null,
  }
}
