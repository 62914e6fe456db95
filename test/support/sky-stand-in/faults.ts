/** What can go wrong on purpose: chosen by the test, acted out by the stand-in API server. */
export type FaultAction =
  /** So many of SkyPilot's seconds longer. */
  | { readonly kind: 'slow'; readonly seconds: number }
  /** Never answers; what it does in the cloud it does not do either. */
  | { readonly kind: 'hang' }
  /** Another request holds the VM's lock. */
  | { readonly kind: 'locked' }
  /** Does what it should, and prints what nobody can read. */
  | { readonly kind: 'garbage' }
  /** Does nothing and says why. */
  | { readonly kind: 'fail'; readonly stderr: string; readonly exitCode?: number }
  /** Says that it went well, and did nothing. */
  | { readonly kind: 'lie' }

export interface Fault {
  /** `launch`, `down`, `status`, `queue`, `autostop`, … */
  readonly command: string
  /** VMs whose name matches; all when absent. */
  readonly name?: RegExp
  /** How often; for ever when absent. */
  readonly times?: number
  readonly action: FaultAction
}

/** As SkyPilot 0.14.1 says them (sky/exceptions.py, sky/backends/cloud_vm_ray_backend.py). */
export const LAUNCH_ERRORS = {
  capacity: `sky.exceptions.ResourcesUnavailableError: Failed to acquire resources in all zones in us-east-1 for {AWS(g6.xlarge, {'L4': 1})}.
botocore.exceptions.ClientError: An error occurred (InsufficientInstanceCapacity) when calling the RunInstances operation (reached max retries: 0): We currently do not have sufficient g6.xlarge capacity in the Availability Zone you requested (us-east-1a).
Failed to provision all possible launchable resources. Relax the task's resource requirements: 1x AWS(g6.xlarge, {'L4': 1})`,
  quota: `sky.exceptions.ResourcesUnavailableError: Failed to acquire resources in all zones in us-east-1.
botocore.exceptions.ClientError: An error occurred (VcpuLimitExceeded) when calling the RunInstances operation: You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to.`,
  authentication: `botocore.exceptions.ClientError: An error occurred (ExpiredToken) when calling the DescribeInstances operation: The security token included in the request is expired`,
  network: `requests.exceptions.ConnectionError: ('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))`,
} as const

/** Faults in the order they were given; each is used up by the requests that it hits. */
export class Faults {
  #faults: { fault: Fault; left: number }[] = []

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY })
  }

  clear(): void {
    this.#faults = []
  }

  take(command: string, names: readonly string[]): FaultAction | null {
    const hit = this.#faults.find(
      ({ fault, left }) =>
        left > 0 &&
        fault.command === command &&
        (!fault.name || names.some(name => fault.name?.test(name) === true)),
    )
    if (!hit) return null
    hit.left -= 1
    return hit.fault.action
  }
}
