/** Arguments of `sky`, built and nothing else: what each call asks for is said here. */

export interface LaunchArgs {
  readonly name: string
  /** Path of the rendered template. */
  readonly file: string
  readonly leaseMinutes: number
  /** `KEY=VALUE` for the environment of setup and run: SkyPilot keeps them, so no secret is among them. */
  readonly envs?: readonly string[]
  /** `KEY=VALUE` of SkyPilot's configuration. */
  readonly config?: readonly string[]
}

/** Detached: it returns when the job has a number. The lease is a hard limit (`--wait-for none`), and ends the VM. */
export function launchArgs({ name, file, leaseMinutes, envs = [], config = [] }: LaunchArgs): string[] {
  const settings = config.flatMap(setting => ['--config', setting])
  return [
    'launch',
    '-y',
    '-d',
    '-c',
    name,
    ...lease(leaseMinutes),
    ...settings,
    ...envs.flatMap(setting => ['--env', setting]),
    file,
  ]
}

/** Optimizes and prints the offers; nothing is launched. */
export function dryrunArgs(file: string): string[] {
  return ['launch', '--dryrun', '-y', file]
}

export function downArgs(name: string): string[] {
  return ['down', '-y', name]
}

/** `ask-cloud`: slow, and the only way to hear of a VM that ended itself or was taken back. */
export type StatusSource = 'cache' | 'ask-cloud'

/** No names: all VMs of the user. */
export function statusArgs(names: readonly string[], source: StatusSource = 'cache'): string[] {
  return ['status', ...(source === 'ask-cloud' ? ['-r'] : []), '-o', 'json', ...names]
}

export function endpointArgs(name: string, port: number): string[] {
  return ['status', '--endpoint', String(port), name]
}

export function queueArgs(name: string): string[] {
  return ['queue', '-o', 'json', name]
}

/** Sets the lease of all names anew: its time begins again. */
export function autostopArgs(names: readonly string[], leaseMinutes: number): string[] {
  return ['autostop', '-y', ...lease(leaseMinutes), ...names]
}

/** What a job has printed so far. */
export function logsArgs(name: string, job: number, lines: number): string[] {
  return ['logs', '--no-follow', '--tail', String(lines), name, String(job)]
}

export function costReportArgs(): string[] {
  return ['cost-report', '--days', '1', '-o', 'json']
}

/** `infra`: names of clouds; none: all. */
export function checkArgs(infra: readonly string[]): string[] {
  return ['check', '-o', 'json', ...infra]
}

/** What the API server is doing for whom: requests that have not ended, with the names of their VMs. */
export function requestsArgs(): string[] {
  return ['api', 'status', '-v', '-l', 'all', '-o', 'json']
}

export function stopServerArgs(): string[] {
  return ['api', 'stop']
}

/** SkyPilot counts whole minutes: a lease is rounded up, so that it is never shorter than renewals expect. */
function lease(minutes: number): string[] {
  return ['-i', String(Math.max(1, Math.ceil(minutes))), '--down', '--wait-for', 'none']
}
