import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import type { BoundTask } from '../task.ts'
import { hasCode, type VmFolder, writeJson } from './folder.ts'
import type { JobRequest } from './order.ts'
import { gone, isUp, readKeeper } from './records.ts'
import { seal } from './sealed.ts'

/**
 * Asks the keeper of a VM that is up for one more job.
 * @returns the job's number
 */
export async function requestJob(folder: VmFolder, name: string, task: BoundTask): Promise<number> {
  const keeper = await readKeeper(folder)
  if (!keeper || !(await isUp(folder))) throw gone(name)
  const { template, envs, secrets } = task
  const request: JobRequest = {
    run: template.run,
    envs,
    templateFolder: path.dirname(template.path),
    sealed: seal(JSON.stringify(secrets), keeper.publicKey),
  }
  try {
    const id = await newJob(folder)
    await writeJson(path.join(folder.requests, `${id}.json`), request)
    return id
  } catch (error) {
    throw hasCode(error, 'ENOENT') ? gone(name) : error
  }
}

/** Making the job's folder takes the number: of several at once each gets its own. */
async function newJob(folder: VmFolder): Promise<number> {
  const taken = (await readdir(folder.jobs)).map(Number)
  for (let id = Math.max(0, ...taken) + 1; ; id++) {
    try {
      await mkdir(folder.job(id).root)
      return id
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
  }
}
