/**
 * A fleet launches VMs. `local` (processes on this machine) is the first; SkyPilot is the second.
 * The rest of the product knows VMs only through this interface.
 */

/** SkyPilot's job states: https://docs.skypilot.co/en/latest/reference/cli.html */
export type JobStatus =
  | 'PENDING'
  | 'SETTING_UP'
  | 'RUNNING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'FAILED_SETUP'
  | 'CANCELLED'

export interface JobState {
  readonly status: JobStatus
  /** The exit code of a job that has ended; null when a signal or the VM's end took it. */
  readonly exitCode: number | null
  /** The signal that ended it, where the fleet knows: `SIGKILL`. */
  readonly signal?: string
}

/** A job on a VM: SkyPilot numbers them from 1, the launch's own job first. */
export interface Job {
  readonly vm: string
  readonly id: number
}

/** One program for a VM: a template with the values of its variables. */
export interface Task {
  /** Path of a SkyPilot YAML. */
  readonly template: string
  /** Overrides and additions to the template's `envs`. */
  readonly envs: Readonly<Record<string, string>>
  /** Values of secret variables: given to the job's environment, never to argv, logs or files. */
  readonly secrets: Readonly<Record<string, string>>
}

export interface LaunchRequest extends Task {
  /** VM name: `[a-z]([-a-z0-9]*[a-z0-9])?`, at most 26 characters. */
  readonly name: string
  /** Minutes after which the VM ends itself unless the lease is renewed. A hard limit, whatever runs. */
  readonly leaseMinutes: number
  /** Who owns the VM, for listing and sweeping: `lmrun-run`, `lmrun-role`, … */
  readonly labels: Readonly<Record<string, string>>
}

export interface VmInfo {
  readonly name: string
  readonly status: 'UP' | 'ENDING'
  readonly labels: Readonly<Record<string, string>>
  /** Unix time in milliseconds. */
  readonly launchedAt: number
  /** Unix time in milliseconds when the lease ends. */
  readonly expiresAt: number
}

/** What became of one VM that was to be ended. `verified`: it was seen to be gone, not only told to go. */
export type DownResult =
  | { readonly name: string; readonly verified: true }
  | { readonly name: string; readonly verified: false; readonly reason: string; readonly command: string }

/** Where a port of a VM can be reached from the runner. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface Fleet {
  readonly kind: 'local'
  /** Refuses a bad template or an impossible request with an InputError. Launches and writes nothing. */
  check(request: LaunchRequest): Promise<void>
  /** Starts the VM, its setup and its job; returns as soon as the job has a number, not when setup is done. */
  launch(request: LaunchRequest, signal: AbortSignal): Promise<Job>
  /**
   * Runs the task's `run` once more on a VM that is up, beside its other jobs; setup is not repeated.
   * A capability: a fleet of managed jobs has none.
   */
  readonly exec?: (vm: string, task: Task, signal: AbortSignal) => Promise<Job>
  jobState(job: Job): Promise<JobState>
  /** Waits until the job has ended, well or badly. Rejects only on abort or when the VM is gone. */
  jobEnd(job: Job, signal: AbortSignal): Promise<JobState>
  /** The last lines of the job's log, setup's included, secrets masked. */
  tailLog(job: Job, lines: number): Promise<readonly string[]>
  /** Copies a file or folder, relative to the VM's working folder, to a path here. False when it is not there. */
  fetch(vm: string, from: string, to: string): Promise<boolean>
  endpoint(vm: string, port: number): Promise<Endpoint>
  /** Ends VMs side by side. A name that is not there is a verified end. Never rejects: a failure is in the result. */
  down(names: readonly string[]): Promise<readonly DownResult[]>
  list(): Promise<readonly VmInfo[]>
  renewLease(names: readonly string[], leaseMinutes: number): Promise<void>
}
