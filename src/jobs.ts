import type { Clock } from './clock.ts'
import { LmrunError } from './errors.ts'
import { type Diagnosis, diagnose } from './fleet/diagnose.ts'
import type { Fleet, Job, JobState } from './fleet/fleet.ts'

/** How much of a log tells why a job failed. */
const TAIL_LINES = 40

/** A job ended when it should not have, with what its log says of it. */
export class JobFailed extends LmrunError {
  override readonly name = 'JobFailed'

  readonly log: readonly string[]
  readonly diagnosis: Diagnosis | null

  constructor(what: string, log: readonly string[], diagnosis: Diagnosis | null) {
    super(what, diagnosis ? { hint: diagnosis.hint } : {})
    this.log = log
    this.diagnosis = diagnosis
  }
}

export interface FollowOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Called with the job's newest log line, about once a second. */
  readonly onLine?: (line: string) => void
}

/** Waits until a job has succeeded; rejects with JobFailed when it ends otherwise. */
export async function follow(
  fleet: Fleet,
  job: Job,
  name: string,
  { clock, signal, onLine }: FollowOptions,
): Promise<void> {
  using _watch = onLine && clock.every(1000, () => void newest(fleet, job).then(line => line && onLine(line)))
  const state = await fleet.jobEnd(job, signal)
  if (state.status !== 'SUCCEEDED') throw await failed(fleet, job, name, state)
}

/** Runs `work` as long as the job runs: when the job ends first, well or badly, the wait fails at once with its log. */
export async function whileRunning<T>(
  fleet: Fleet,
  job: Job,
  name: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const ended = fleet.jobEnd(job, either).then(async state => {
    throw await failed(fleet, job, name, state)
  })
  try {
    return await Promise.race([work(either), ended])
  } finally {
    over.abort()
  }
}

/** Rejects when the job has ended, or with VmLost when it is gone with its VM. */
export async function failIfEnded(fleet: Fleet, job: Job, name: string): Promise<void> {
  const state = await fleet.jobState(job)
  if (hasEnded(state)) throw await failed(fleet, job, name, state)
}

function hasEnded({ status }: JobState): boolean {
  return status !== 'PENDING' && status !== 'SETTING_UP' && status !== 'RUNNING'
}

async function failed(fleet: Fleet, job: Job, name: string, state: JobState): Promise<JobFailed> {
  const log = await fleet.tailLog(job, TAIL_LINES)
  return new JobFailed(`${name} ${howItEnded(state)}`, log, diagnose(log, state.exitCode, state.signal))
}

function howItEnded({ status, exitCode }: JobState): string {
  const code = exitCode === null ? '' : ` (exit code ${exitCode})`
  if (status === 'FAILED_SETUP') return `failed in its setup${code}`
  if (status === 'CANCELLED') return 'was cancelled'
  return `ended${code}`
}

async function newest(fleet: Fleet, job: Job): Promise<string | undefined> {
  try {
    return (await fleet.tailLog(job, 1)).at(-1)
  } catch {
    return undefined // the VM may be going; whoever waits for the job hears of it
  }
}
