/**
 * How long things take, in seconds. Calls of `sky` were measured with SkyPilot 0.14.1; provisioning is SkyPilot's own
 * figure for AWS.
 */
export interface Durations {
  /** Until a command of `sky` has loaded and asked the API server (`sky --version`: 3 to 6; a whole `down` of nothing: 2.6). */
  readonly cliStart: number
  /** Optimizing and asking the cloud, before there is a machine to pay for. */
  readonly optimize: number
  /** From the machine's being there, and being paid for, to its being up: AWS, GPU 101, CPU 73. */
  readonly provisionGpu: number
  readonly provisionCpu: number
  /** After provisioning a launch takes 23 in all: files, autostop, the job. */
  readonly sync: number
  readonly arm: number
  readonly submit: number
  /** `sky down` takes 7 to 25; the machine is paid for until the cloud has been told. */
  readonly downAsk: number
  readonly downRest: number
  /** `sky autostop`: 6.4 to 7.7. */
  readonly autostop: number
  /** `sky status`: 9 with the start of the command. */
  readonly status: number
  readonly queue: number
  /** A command over ssh on a connection that is there. */
  readonly ssh: number
  /** Period of the skylet on the VM, and of the API server's own look at its VMs. */
  readonly tick: number
  readonly refresh: number
}

export const MEASURED: Durations = {
  cliStart: 2.6,
  optimize: 4,
  provisionGpu: 101,
  provisionCpu: 73,
  sync: 4,
  arm: 3,
  submit: 4,
  downAsk: 4,
  downRest: 8,
  autostop: 4.4,
  status: 6.4,
  queue: 2,
  ssh: 0.4,
  tick: 60,
  refresh: 60,
}
