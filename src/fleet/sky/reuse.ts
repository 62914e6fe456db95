import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import type { LaunchRequest } from '../fleet.ts'
import type { Rendered, SkyContext } from './context.ts'
import { renewLease } from './lease.ts'
import { askStatus } from './queries.ts'

/** In the VM's working folder: what it was launched with. */
const CONTENT_FILE = '.lmrun-content'

/** What makes two launches the same: all of it but who owns the VM and for how long. */
export function contentHash({ yaml, secrets }: Rendered): string {
  const content = JSON.stringify([parse(yaml), Object.entries(secrets).sort()], (key, value: unknown) =>
    key === 'labels' || key === 'autostop' ? undefined : value,
  )
  return createHash('sha256').update(content).digest('hex')
}

/**
 * Whether a warm VM of this name can be taken as it is. `other`: one is up with other content, or its job has ended.
 */
export async function lookForWarm(
  { cli, access, folder }: SkyContext,
  vm: string,
  hash: string,
  signal: AbortSignal,
): Promise<'same' | 'other' | 'none'> {
  const read = await askStatus(cli, [vm], { signal })
  const seen = read.ok ? read.value.find(({ name }) => name === vm) : undefined
  if (!seen) return 'none'
  if (seen.status !== 'UP') return 'other'
  const copy = path.join(folder, `${vm}.content`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (!(await access.pull(vm, CONTENT_FILE, copy))) return 'other'
    if ((await readFile(copy, 'utf8')).trim() !== hash) return 'other'
    const { status } = await access.state(vm, 1)
    return status === 'RUNNING' || status === 'SETTING_UP' ? 'same' : 'other'
  } catch {
    signal.throwIfAborted()
    return 'other'
  } finally {
    await rm(copy, { force: true })
  }
}

/** For the run that comes next. */
export async function noteContent({ access, folder }: SkyContext, vm: string, hash: string): Promise<void> {
  const copy = path.join(folder, `${vm}.content`)
  try {
    await writeFile(copy, `${hash}\n`)
    await access.push(vm, copy, CONTENT_FILE)
  } finally {
    await rm(copy, { force: true })
  }
}

/** Takes a warm VM over: it is this run's now, and its lease begins again. */
export async function adopt(
  context: SkyContext,
  { name, labels, leaseMinutes, resources }: LaunchRequest,
): Promise<void> {
  const { clock, notes } = context
  const fresh = { launchedAt: clock.now(), spot: resources.spot ?? false, jobId: 1, offer: null }
  await notes.put(name, { ...fresh, ...(await notes.get(name)), labels, expiresAt: null })
  await renewLease(context, [name], leaseMinutes)
}
