import type { Clock } from '../clock.ts'
import type { Env } from '../env.ts'

/** What every command of this room works on. */
export interface System {
  /** Folder of the VM's files: `/`. */
  readonly root: string
  readonly env: Env
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}
