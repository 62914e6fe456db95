import { VmLost } from '../failures.ts'
import type { Job, JobState } from '../fleet.ts'
import { logsArgs } from './argv.ts'
import type { SkyContext } from './context.ts'
import { hasEnded, jobStatus } from './exit-codes.ts'
import { cleanLines } from './output.ts'
import { askQueue, askStatus } from './queries.ts'
import { Unreachable } from './types.ts'

/** The launch's own job: SkyPilot knows it, and no other. */
const OWN_JOB = 1
const AGAIN_MS = 5000
/** A VM that SkyPilot calls up and that answers nobody for so long is of no use any more. */
const LOST_AFTER_MS = 10 * 60_000

/** What SkyPilot knows when ssh does not answer. */
type Truth =
  | { readonly kind: 'ended'; readonly state: JobState }
  | { readonly kind: 'gone' | 'up' | 'unknown' }

/**
 * Waits over ssh, and asks SkyPilot when that does not answer.
 * @throws VmLost when the VM is gone
 */
export async function jobEnd(context: SkyContext, job: Job, signal: AbortSignal): Promise<JobState> {
  const { access, clock } = context
  let silentSince: number | null = null
  for (;;) {
    signal.throwIfAborted()
    const began = clock.now()
    try {
      return await access.wait(job.vm, job.id, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof Unreachable)) throw error
      // A wait that went on for long was connected meanwhile.
      if (silentSince === null || clock.now() - began > LOST_AFTER_MS) silentSince = began
      const truth = await truthOf(context, job, signal)
      if (truth.kind === 'ended') return truth.state
      if (truth.kind === 'gone' || clock.now() - silentSince > LOST_AFTER_MS)
        throw await lost(context, job, error)
      await clock.sleep(AGAIN_MS, signal)
    }
  }
}

/** @throws VmLost when the VM is gone */
export async function jobState(context: SkyContext, job: Job): Promise<JobState> {
  try {
    return await context.access.state(job.vm, job.id)
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
    const truth = await truthOf(context, job)
    if (truth.kind === 'ended') return truth.state
    if (truth.kind === 'gone') throw await lost(context, job, error)
    return { status: 'RUNNING', exitCode: null }
  }
}

/** What ssh does not give, SkyPilot's own copy of the log may. */
export async function tailLog(context: SkyContext, job: Job, lines: number): Promise<readonly string[]> {
  const { access, cli, notes } = context
  try {
    return await access.tail(job.vm, job.id, lines)
  } catch (error) {
    if (!(error instanceof Unreachable) || job.id !== OWN_JOB) throw error
    const id = (await notes.get(job.vm))?.jobId ?? OWN_JOB
    const { stdout } = await cli.run(logsArgs(job.vm, id, lines), { timeoutMs: 60_000 })
    return cleanLines(stdout)
      .map(line => line.replace(/^\((setup|[\w.-]+,) pid=\d+(, ip=[\d.]+)?\) /, ''))
      .slice(-lines)
  }
}

/** Turns "does not answer" into VmLost when that is what it is. */
export async function orLost<T>(
  context: SkyContext,
  vm: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof Unreachable)) throw error
    const truth = await truthOf(context, { vm, id: 0 }, signal)
    throw truth.kind === 'gone' ? await lost(context, { vm, id: 0 }, error) : error
  }
}

async function truthOf(context: SkyContext, job: Job, signal?: AbortSignal): Promise<Truth> {
  const { cli, notes } = context
  if (job.id === OWN_JOB) {
    const id = (await notes.get(job.vm))?.jobId ?? OWN_JOB
    const queue = await askQueue(cli, job.vm, signal)
    const seen = queue.ok ? queue.value[job.vm]?.find(one => one.job_id === id) : undefined
    const status = seen ? jobStatus(seen.status) : null
    if (status !== null) {
      return hasEnded(status) ? { kind: 'ended', state: { status, exitCode: null } } : { kind: 'up' }
    }
  }
  const read = await askStatus(cli, [job.vm], { source: 'ask-cloud', ...(signal ? { signal } : {}) })
  if (!read.ok) return { kind: 'unknown' }
  const status = read.value.find(({ name }) => name === job.vm)?.status
  // INIT: some of it is there, and it may come back.
  return { kind: status === 'UP' || status === 'INIT' || status === 'PENDING' ? 'up' : 'gone' }
}

async function lost({ notes }: SkyContext, { vm }: Job, cause: unknown): Promise<VmLost> {
  return new VmLost(vm, (await notes.get(vm))?.spot ? 'preemption' : 'lost', cause)
}
