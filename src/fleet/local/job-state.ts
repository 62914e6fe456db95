import { access } from 'node:fs/promises'
import { LmrunError } from '../../errors.ts'
import type { Job, JobState } from '../fleet.ts'
import type { VmFolder } from './folder.ts'
import { gone, hasEnded, isUp, type JobRecord, readJob } from './records.ts'
import { changes } from './watch.ts'

/** A keeper that was killed changes nothing in the folder: it is looked after this often. */
const POLL_MS = 500

/** @throws LmrunError when there is no such job, or its VM is gone before it ended */
export async function jobState(folder: VmFolder, job: Job): Promise<JobState> {
  const record = await readJob(folder, job.id)
  if (record && hasEnded(record)) return stateOf(record)
  if (!(await isUp(folder))) {
    // Its keeper may have written the end just before it went.
    const last = await readJob(folder, job.id)
    if (last && hasEnded(last)) return stateOf(last)
    throw gone(job.vm)
  }
  if (record) return stateOf(record)
  await access(folder.job(job.id).root).catch(cause => {
    throw new LmrunError(`the VM ${job.vm} has no job ${job.id}`, { cause })
  })
  return { status: 'PENDING', exitCode: null }
}

export async function jobEnd(folder: VmFolder, job: Job, signal: AbortSignal): Promise<JobState> {
  for await (const _ of changes(folder.job(job.id).root, { signal, pollMs: POLL_MS })) {
    const state = await jobState(folder, job)
    if (hasEnded(state)) return state
  }
  throw signal.reason
}

function stateOf({ status, exitCode, signal }: JobRecord): JobState {
  return { status, exitCode, ...(signal ? { signal } : {}) }
}
