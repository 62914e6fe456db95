export type FleetKind = 'local' | 'sky'

/**
 * A fleet launches VMs. `local` (processes on this machine) is the first; `sky` (SkyPilot) is the second.
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
  /** Who owns the VM, for listing and sweeping: see src/labels.ts, and `lmrun-role`. */
  readonly labels: Readonly<Record<string, string>>
  /** Laid over the template's own resources. */
  readonly resources: VmResources
  /** Its setup joins the run's mesh: what it serves is reached there, and no port is opened to the outside. */
  readonly joins?: boolean
  /** Adopts a VM of this name that is up and has the same content; it is kept warm when the run ends. */
  readonly reuse: boolean
}

/** What a run asks of a VM beside its template. Empty and absent: as the template says. */
export interface VmResources {
  /** SkyPilot's infra, tried in this order of preference by cost: `aws`, `gcp/us-central1`, `k8s/context`. */
  readonly infra: readonly string[]
  /** Alternatives: `L4:4`, `A100-80GB`. */
  readonly accelerators: readonly string[]
  readonly spot?: boolean
  readonly diskSize?: number
  /** USD an hour, for this VM. */
  readonly maxHourlyCost?: number
}

export const NO_RESOURCES: VmResources = { infra: [], accelerators: [] }

export interface VmInfo {
  readonly name: string
  /** STARTING: being provisioned, or left in the middle of it. */
  readonly status: 'STARTING' | 'UP' | 'ENDING' | 'STOPPED'
  readonly labels: Readonly<Record<string, string>>
  /** Unix time in milliseconds. */
  readonly launchedAt: number
  /** Unix time in milliseconds when the lease ends; null when the fleet cannot tell, or none is armed. */
  readonly expiresAt: number | null
}

/** What became of one VM that was to be ended. `verified`: it was seen to be gone, not only told to go. */
export type DownResult =
  | { readonly name: string; readonly verified: true }
  | { readonly name: string; readonly verified: false; readonly reason: string; readonly command: string }

/** A file for a VM, by its content: what it holds is on no disk of the runner. */
export interface VmFile {
  /** Relative to the home of the VM's user. */
  readonly path: string
  readonly content: string
}

export interface ScriptReply {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export type Tunnel = Endpoint & AsyncDisposable

/** Where a port of a VM can be reached from the runner. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface Fleet {
  readonly kind: FleetKind
  /** Refuses a bad template or an impossible request with an InputError. Launches and writes nothing. */
  check(request: LaunchRequest): Promise<void>
  /**
   * Looks, before money is spent, whether the requests can be had and what they cost: credentials, offers, quota.
   * A capability: machines that are there anyway need none.
   * @throws InputError with everything that would make the run fail or cost too much
   */
  readonly preflight?: (requests: readonly LaunchRequest[], limits: PreflightLimits) => Promise<Preflight>
  /**
   * Starts the VM, its setup and its job; returns as soon as the job has a number, not when setup is done.
   * Rejects with LaunchFailed, which says whether another try may go well. One operation a VM at a time, `down` excepted.
   */
  launch(request: LaunchRequest, signal: AbortSignal): Promise<Job>
  /**
   * Runs the task's `run` once more on a VM that is up, beside its other jobs; setup is not repeated.
   * A capability: a fleet of managed jobs has none.
   */
  readonly exec?: (vm: string, task: Task, signal: AbortSignal) => Promise<Job>
  jobState(job: Job): Promise<JobState>
  /** Waits until the job has ended, well or badly. Rejects only on abort, or with VmLost when the VM is gone. */
  jobEnd(job: Job, signal: AbortSignal): Promise<JobState>
  /** The last lines of the job's log, setup's included, secrets masked. */
  tailLog(job: Job, lines: number): Promise<readonly string[]>
  /** Copies a file or folder, relative to the VM's working folder, to a path here. False when it is not there. */
  fetch(vm: string, from: string, to: string): Promise<boolean>
  /** Copies a file or folder to a path relative to the VM's working folder, over what is there. */
  push(vm: string, from: string, to: string): Promise<void>
  /**
   * Writes files on a VM that is up, whole and readable by its user alone, over what is there; tried again for minutes
   * while the VM does not answer. A capability: what runs on this machine reads its files here.
   */
  readonly hand?: (vm: string, files: readonly VmFile[], signal: AbortSignal) => Promise<void>
  /** Runs a short script by the bash of a VM that is up, given by standard input. A capability. */
  readonly run?: (vm: string, script: string, signal: AbortSignal) => Promise<ScriptReply>
  /** A port of this machine that leads to one of the VM's own loopback until disposed of. A capability. */
  readonly tunnel?: (vm: string, port: number, signal: AbortSignal) => Promise<Tunnel>
  endpoint(vm: string, port: number): Promise<Endpoint>
  /** Ends VMs side by side. A name that is not there is a verified end. Never rejects: a failure is in the result. */
  down(names: readonly string[]): Promise<readonly DownResult[]>
  list(): Promise<readonly VmInfo[]>
  /** One call for all names. Rejects when the renewal of any may not be in force. */
  renewLease(names: readonly string[], leaseMinutes: number): Promise<void>
  /** What each VM costs and is, as far as the fleet knows; asked once a VM is up. A capability. */
  readonly prices?: (names: readonly string[]) => Promise<ReadonlyMap<string, VmPrice>>
  /** Ends what the fleet itself started on this machine. VMs are not touched. */
  close(): Promise<void>
}

export interface PreflightLimits {
  /** USD an hour for all VMs together. */
  readonly maxHourlyCost?: number
  /** Credentials must be valid for so long: the run's limit and the time to end it. */
  readonly minutes: number
}

export interface Preflight {
  readonly checks: readonly PreflightCheck[]
  /** One for each request whose price is known. */
  readonly offers: readonly Offer[]
}

/** One thing that was looked at. */
export interface PreflightCheck {
  /** `credentials of aws`, `quota of L4 in us-east-1`, … */
  readonly what: string
  /** `unknown`: it could not be looked at, and `detail` says why. */
  readonly status: 'ok' | 'warning' | 'failed' | 'unknown'
  readonly detail: string
  /** What to do, when it is not ok. */
  readonly hint?: string
}

export interface VmPrice {
  /** USD an hour. */
  readonly hourly: number
  readonly spot: boolean
  /** For people: `AWS us-east-1 g6.12xlarge, L4:4`. */
  readonly what: string
}

export interface Offer extends VmPrice {
  /** VM name of the request. */
  readonly vm: string
}
