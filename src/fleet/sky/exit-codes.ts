import type { JobStatus } from '../fleet.ts'

/** What `sky launch`, `exec` and `logs` say of a job by their exit code; 1 is everything else that went wrong. */
export type JobExit = 'succeeded' | 'failed' | 'not finished' | 'not found' | 'cancelled' | 'error'

/** Source: sky/exceptions.py, JobExitCode. */
const EXITS: Readonly<Record<number, JobExit>> = {
  0: 'succeeded',
  100: 'failed',
  101: 'not finished',
  102: 'not found',
  103: 'cancelled',
}

export function jobExit(exitCode: number): JobExit {
  return EXITS[exitCode] ?? 'error'
}

/** Source: sky/skylet/job_lib.py, JobStatus. Null: a status that this version does not know. */
const STATUSES: Readonly<Record<string, JobStatus>> = {
  INIT: 'PENDING',
  PENDING: 'PENDING',
  SETTING_UP: 'SETTING_UP',
  RUNNING: 'RUNNING',
  SUCCEEDED: 'SUCCEEDED',
  FAILED: 'FAILED',
  FAILED_DRIVER: 'FAILED',
  FAILED_SETUP: 'FAILED_SETUP',
  CANCELLED: 'CANCELLED',
}

export function jobStatus(word: string): JobStatus | null {
  return STATUSES[word] ?? null
}

export function hasEnded(status: JobStatus): boolean {
  return status !== 'PENDING' && status !== 'SETTING_UP' && status !== 'RUNNING'
}
