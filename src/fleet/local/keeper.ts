import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { exists } from '../../files.ts'
import { endProcesses } from './ending.ts'
import type { Vars } from './environment.ts'
import { type VmFolder, vmFolder, writeJson } from './folder.ts'
import type { JobRequest, VmOrder } from './order.ts'
import { readLease, readVm } from './records.ts'
import { removeVm } from './removal.ts'
import { createKey, unseal } from './sealed.ts'
import { VmJobs } from './vm-jobs.ts'
import { changes } from './watch.ts'

/** How often lease, idle time and folder are looked at; requests are seen at once. */
const POLL_MS = 250

/**
 * Keeps one VM: runs its jobs until its lease or its idle time is over, or it is told to end; then ends all of its
 * processes and takes it off the disk. The launcher may be long gone.
 * @param ready called when the VM is up
 */
export async function keep(order: VmOrder, ready: () => void): Promise<void> {
  const folder = vmFolder(order.home, order.name)
  const over = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => over.abort(new Error(`told to end by ${signal}`)))
  }
  const { publicKey, privateKey } = createKey()
  // A VM that was ended while it was being launched must not come up after all.
  if (!(await isMine(folder, order.id)) || (await exists(folder.ending))) return
  await writeJson(folder.keeper, { pid: process.pid, publicKey })
  const jobs = new VmJobs(order, over.signal, vm => endVm(vm, order.graceMs))
  ready()
  void jobs.launch().catch(error => over.abort(error))

  const reasonToEnd = watchdog(order, folder, jobs)
  for await (const _ of changes(folder.requests, { signal: over.signal, pollMs: POLL_MS })) {
    const reason = await reasonToEnd()
    if (reason) over.abort(new Error(reason))
    else await startRequested(folder, jobs, sealed => JSON.parse(unseal(sealed, privateKey)))
  }
  console.error(`the VM ends: ${over.signal.reason}`)
  await end(order, folder)
}

/** Tells why the VM must end now; null as long as it need not. */
function watchdog(order: VmOrder, folder: VmFolder, jobs: VmJobs): () => Promise<string | null> {
  const launched = performance.now()
  let token = ''
  let expires = Number.POSITIVE_INFINITY
  return async () => {
    const now = performance.now()
    const lease = await readLease(folder)
    if (lease && lease.token !== token) {
      token = lease.token
      expires = now + lease.minutes * 60_000
    }
    if (now >= expires) return 'its lease is over'
    if (await exists(folder.ending)) return 'it was told to'
    if (!(await isMine(folder, order.id))) return 'its folder is gone'
    const { autostop } = order
    if (!autostop) return null
    const idle = autostop.waitFor === 'none' ? now - launched : jobs.idleMs
    return idle !== null && idle >= autostop.idleMinutes * 60_000 ? 'autostop: it was idle' : null
  }
}

/** Starts what was asked for since the last look. A request that cannot be read is dropped with its reason. */
async function startRequested(
  folder: VmFolder,
  jobs: VmJobs,
  unsealed: (sealed: JobRequest['sealed']) => Vars,
): Promise<void> {
  for (const name of await readdir(folder.requests).catch(() => [])) {
    const id = Number(/^(\d+)\.json$/.exec(name)?.[1])
    if (!id) continue
    const file = path.join(folder.requests, name)
    try {
      const { sealed, ...job }: JobRequest = JSON.parse(await readFile(file, 'utf8'))
      void jobs.start(id, job, unsealed(sealed)).catch(error => console.error(error))
    } catch (error) {
      console.error(`job ${id}:`, error)
      const ended = {
        exitCode: null,
        signal: null,
        submittedAt: Date.now(),
        startedAt: null,
        endedAt: Date.now(),
      }
      await writeJson(folder.job(id).state, { ...ended, status: 'FAILED' })
    }
    await rm(file, { force: true })
  }
}

async function end({ home, name, id, graceMs }: VmOrder, folder: VmFolder): Promise<void> {
  await writeFile(folder.ending, '').catch(() => {})
  const left = await endProcesses([{ owns: marker => marker === id, keeperPid: process.pid }], {
    graceMs,
    spare: process.pid,
  })
  if (left.flat().length === 0) await removeVm(home, name, id)
  else console.error('still there:', left.flat())
}

async function endVm(id: string, graceMs: number): Promise<void> {
  await endProcesses([{ owns: marker => marker === id }], { graceMs })
}

async function isMine(folder: VmFolder, id: string): Promise<boolean> {
  return (await readVm(folder))?.id === id
}
