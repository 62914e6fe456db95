import type { Clock } from './clock.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { RunVms, SavedVm } from './fleet/run-vms.ts'
import type { Inputs } from './inputs.ts'
import type { Mesh } from './mesh/mesh.ts'
import type { Plan } from './plan.ts'
import type { Progress } from './progress.ts'
import type { Results, Retry } from './report/results.ts'
import type { Run } from './run.ts'
import type { Story } from './story.ts'

export interface BenchDeps {
  readonly fleet: Fleet
  /** Called once for a run: what its mesh needs is launched at once, beside all else. */
  readonly openMesh: (parts: RunParts) => Mesh
  readonly run: Run
  readonly clock: Clock
  readonly progress: Progress
  /** What servers let nobody in without; absent where nobody else can reach them. */
  readonly apiKey?: string
  /** Called once, before anything is launched, with what can be reported if this process is killed. */
  readonly saveDraft: (draft: Results) => void
  /** Called with all VMs of the run before each launch: whatever happens next, they can be found and ended. */
  readonly saveVms: (vms: readonly SavedVm[]) => void
  /** Aborted when the run is cancelled. */
  readonly signal: AbortSignal
  /** How an option is called where the user wrote it, for messages. */
  readonly label: (option: string) => string
}

/** What all parts of one run share. */
export interface RunContext extends BenchDeps {
  /** `signal` also ends at max-minutes; this one only when the run is cancelled, and nobody waits for files then. */
  readonly cancelled: AbortSignal
  readonly inputs: Inputs
  readonly mesh: Mesh
  readonly plan: Plan
  readonly story: Story
  readonly vms: RunVms
  /** What was tried again, and why. */
  readonly retries: Retry[]
  readonly aside: Aside
  /** The client is one VM: answers of several models side by side, grading one at a time. */
  readonly grading: <T>(work: () => Promise<T>) => Promise<T>
}

/** All but the mesh, for what comes before it. */
export type RunParts = Omit<RunContext, 'mesh'>

/** Work that the story goes on beside. None of it rejects. */
export class Aside {
  readonly #files: Promise<void>[] = []
  readonly #releases: Promise<void>[] = []

  /** Something is fetched from a VM: to be waited for before that VM goes. */
  file(work: Promise<void>): void {
    this.#files.push(work)
  }

  /** A VM is told to go: the teardown waits for that anyway. */
  release(work: Promise<void>): void {
    this.#releases.push(work)
  }

  async files(): Promise<void> {
    await Promise.all(this.#files)
  }

  async releases(): Promise<void> {
    await Promise.all(this.#releases)
  }
}
