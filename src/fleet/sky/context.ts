import type { Clock } from '../../clock.ts'
import type { LaunchRequest, Task } from '../fleet.ts'
import type { BoundTask } from '../task.ts'
import type { VmNotes } from './notes.ts'
import type { SkyCli, VmAccess } from './types.ts'

/** Templates and requests as SkyPilot takes them. */
export interface Renderer {
  /** @throws InputError with every problem of the request and its template */
  render(request: LaunchRequest): Promise<Rendered>
  /** A task for a VM that is up. @throws InputError */
  bind(task: Task): Promise<BoundTask>
}

export interface Rendered {
  /** A SkyPilot YAML that says nothing of secrets. */
  readonly yaml: string
  /** Handed to the VM once it is launched. */
  readonly secrets: Readonly<Record<string, string>>
  /** `KEY=VALUE` of SkyPilot's configuration for this VM alone: its identity in the cloud. */
  readonly config?: readonly string[]
}

/** What the fleet's parts work with. */
export interface SkyContext {
  readonly cli: SkyCli
  readonly access: VmAccess
  readonly clock: Clock
  readonly renderer: Renderer
  /** Rendered templates and notes of the VMs; only its owner reads it. */
  readonly folder: string
  readonly notes: VmNotes
  readonly warn: (text: string) => void
}
