import type { Autostop } from '../template-values.ts'
import type { Vars } from './environment.ts'
import type { Sealed } from './sealed.ts'

/** What one job runs. */
export interface JobOrder {
  readonly run: string
  readonly envs: Vars
  /** Folder of its template: LMRUN_TEMPLATE_DIR. */
  readonly templateFolder: string
}

/** requests/<n>.json: a job for a VM that is up. */
export interface JobRequest extends JobOrder {
  readonly sealed: Sealed
}

/** What the launcher tells the keeper on its standard input: the only way that secrets take. */
export interface VmOrder {
  readonly home: string
  readonly id: string
  readonly name: string
  /** Environment of every job, before the template's variables. */
  readonly base: Vars
  readonly ports: Readonly<Record<string, number>>
  readonly setup: string
  readonly autostop: Autostop | null
  readonly graceMs: number
  readonly job: JobOrder
  readonly secrets: Vars
}
