/**
 * How a service on a VM is reached: `direct` (this machine, one host) is the first form, the K3s mesh the second.
 */
export interface Service {
  /** = VM name = served model name. */
  readonly name: string
  readonly port: number
}

export interface WaitOptions {
  readonly signal: AbortSignal
  /** Milliseconds until the wait is given up. */
  readonly deadlineMs: number
}

export interface Mesh {
  /** Base URL of the service as the client sees it, without a trailing slash: `http://127.0.0.1:41234`. */
  address(service: Service): Promise<string>
  /**
   * Resolves when the service really serves: /health is 200, /v1/models lists its name, one token is completed.
   * Rejects on the deadline, with what was last seen.
   */
  waitUntilReady(service: Service, options: WaitOptions): Promise<void>
  /**
   * Lets a VM in that has just been launched: its setup waits for that. Resolves when it has what it needs to join.
   * Nothing where there is nothing to join.
   */
  admit(vm: string): Promise<void>
  /** Takes the service out of the mesh; tolerates one that is not there. */
  leave(service: Service): Promise<void>
  /**
   * Leaves the mesh: what would let more VMs of the run in goes, and what says that these were there.
   * @param gone VM names; those that are kept stay in it
   */
  close(gone: readonly string[]): Promise<void>
}
