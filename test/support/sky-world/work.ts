/** What runs on the VMs, and for how long: seconds. Failures are chosen by the test. */
export interface Work {
  readonly setupServer: number
  readonly setupClient: number
  /** From the start of the server's run until it serves: weights, engine. */
  readonly load: number
  readonly answer: number
  readonly grade: number
  /** Questions answered in `answer` seconds, one after the other. */
  readonly questions: number
  /** True for a VM whose setup ends with exit code 1. */
  readonly setupFails?: (vm: string) => boolean
  /** Seconds after which a server's run ends with exit code 1; null: it serves for ever. */
  readonly serverDies?: (vm: string) => number | null
}

export type Role = 'server' | 'client' | 'main'
