import { writeFile } from 'node:fs/promises'
import { explain } from '../../errors.ts'
import type { DownResult } from '../fleet.ts'
import { endProcesses } from './ending.ts'
import { vmFolder } from './folder.ts'
import type { Owner, Process } from './processes.ts'
import { idPrefix, readKeeper, readVm } from './records.ts'
import { removeVm } from './removal.ts'

interface Target extends Owner {
  readonly name: string
  /** Null when the folder does not say: then every VM of that name in this home is meant. */
  readonly id: string | null
}

/**
 * Ends VMs side by side, in whatever state they are: launching, half-written, without a keeper, ending already.
 * Each result rests on a look that found nothing left, taken after the folder was gone (no start is possible then).
 */
export async function endVms(
  home: string,
  names: readonly string[],
  { graceMs }: { readonly graceMs: number },
): Promise<readonly DownResult[]> {
  const distinct = [...new Set(names)]
  try {
    const targets = await Promise.all(distinct.map(name => targetOf(home, name)))
    const left = await endProcesses(targets, { graceMs })
    const gone = targets.filter((_, index) => left[index]?.length === 0)
    await Promise.all(gone.map(({ name, id }) => removeVm(home, name, id)))
    const late = await endProcesses(gone, { graceMs })
    const survivors = new Map(targets.map((target, index) => [target.name, left[index] ?? []]))
    for (const [index, { name }] of gone.entries()) survivors.set(name, late[index] ?? [])
    return names.map(name => resultOf(name, survivors.get(name) ?? []))
  } catch (error) {
    const reason = explain(error)
    return names.map(name => ({ name, verified: false, reason, command: `lmrun down ${name}` }))
  }
}

/** Marks the VM as ending first: a keeper that starts now sees it and does not come up. */
async function targetOf(home: string, name: string): Promise<Target> {
  const folder = vmFolder(home, name)
  await writeFile(folder.ending, '').catch(() => {})
  const [vm, keeper] = await Promise.all([readVm(folder), readKeeper(folder)])
  const id = vm?.id ?? null
  const prefix = idPrefix(home, name)
  const owns = (marker: string) => (id === null ? marker.startsWith(prefix) : marker === id)
  return { name, id, owns, ...(keeper ? { keeperPid: keeper.pid } : {}) }
}

function resultOf(name: string, left: readonly Process[]): DownResult {
  if (left.length === 0) return { name, verified: true }
  const pids = left.map(({ pid }) => pid)
  const shown = left.map(({ pid, command }) => `${command} (${pid})`).join(', ')
  const reason = `still alive after SIGKILL: ${shown}; they hang in the kernel or belong to another user`
  return { name, verified: false, reason, command: `sudo kill -KILL ${pids.join(' ')}` }
}
