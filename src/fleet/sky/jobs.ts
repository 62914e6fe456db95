import { LmrunError } from '../../errors.ts'
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
  const { clock } = context
  let silentSince: number | null = null
  for (;;) {
    signal.throwIfAborted()
    const began = clock.now()
    try {
      return await waitOrLearn(context, job, signal)
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

/**
 * Waits over ssh. As soon as that is silent SkyPilot is asked, beside the patience with it: a VM that was taken back is
 * known to be gone long before nobody waits for its answer any more.
 */
async function waitOrLearn(context: SkyContext, job: Job, signal: AbortSignal): Promise<JobState> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const learnt = Promise.withResolvers<JobState>()
  const ask = async () => {
    const truth = await truthOf(context, job, either)
    if (truth.kind === 'ended') learnt.resolve(truth.state)
    if (truth.kind === 'gone') learnt.reject(await lost(context, job, new Unreachable(job.vm)))
  }
  const wait = context.access.wait(job.vm, job.id, either, () => void ask().catch(() => {}))
  try {
    return await Promise.race([wait, learnt.promise])
  } finally {
    over.abort(new LmrunError('somebody else knew'))
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

/** Asks for the VM and for its job side by side: a queue that is asked of a VM that is gone keeps nobody waiting. */
async function truthOf(context: SkyContext, job: Job, signal?: AbortSignal): Promise<Truth> {
  const over = new AbortController()
  const either = AbortSignal.any([over.signal, ...(signal ? [signal] : [])])
  const queued = job.id === OWN_JOB ? ownJob(context, job.vm, either) : Promise.resolve(null)
  queued.catch(() => {}) // Nobody waits for it when the VM is gone.
  try {
    const kind = await presence(context, job.vm, either)
    return kind === 'gone' ? { kind } : ((await queued) ?? { kind })
  } finally {
    over.abort(new LmrunError('the VM is gone'))
  }
}

async function ownJob({ cli, notes }: SkyContext, vm: string, signal: AbortSignal): Promise<Truth | null> {
  const id = (await notes.get(vm))?.jobId ?? OWN_JOB
  const queue = await askQueue(cli, vm, signal)
  const seen = queue.ok ? queue.value[vm]?.find(one => one.job_id === id) : undefined
  const status = seen ? jobStatus(seen.status) : null
  if (status === null) return null
  return hasEnded(status) ? { kind: 'ended', state: { status, exitCode: null } } : { kind: 'up' }
}

async function presence({ cli }: SkyContext, vm: string, signal: AbortSignal) {
  const read = await askStatus(cli, [vm], { source: 'ask-cloud', signal })
  if (!read.ok) return 'unknown'
  const status = read.value.find(({ name }) => name === vm)?.status
  // INIT: some of it is there, and it may come back.
  return status === 'UP' || status === 'INIT' || status === 'PENDING' ? 'up' : 'gone'
}

async function lost({ notes }: SkyContext, { vm }: Job, cause: unknown): Promise<VmLost> {
  return new VmLost(vm, (await notes.get(vm))?.spot ? 'preemption' : 'lost', cause)
}
