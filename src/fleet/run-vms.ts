import type { Clock } from '../clock.ts'
import { explain } from '../errors.ts'
import type { DownResult, Fleet, FleetKind, Job, LaunchRequest } from './fleet.ts'

export type VmRole = 'server' | 'client'

/** What a later process needs to end a VM: saved before the VM is launched. */
export interface SavedVm {
  readonly fleet: FleetKind
  readonly name: string
  readonly role: VmRole
}

export interface VmEnding {
  readonly name: string
  readonly role: VmRole
  /** Unix milliseconds. */
  readonly launchedAt: number
  readonly goneAt: number | null
  /** The exact command that ends it, when it was not seen to be gone. */
  readonly command?: string
}

export interface RunVmsOptions {
  readonly clock: Clock
  readonly leaseMinutes: number
  /** Called with every VM of the run, before the next one is launched. */
  readonly save: (vms: readonly SavedVm[]) => void
  readonly warn: (text: string) => void
}

interface Tracked {
  readonly role: VmRole
  readonly launchedAt: number
  ending?: Promise<DownResult>
  goneAt: number | null
  command?: string
}

/** The VMs of one run: saved before launch, lease renewed while the run lives, each ended once and verified. */
export class RunVms {
  readonly #vms = new Map<string, Tracked>()
  readonly #renewal: Disposable
  readonly #fleet: Fleet
  readonly #options: RunVmsOptions
  #closed = false

  constructor(fleet: Fleet, options: RunVmsOptions) {
    this.#fleet = fleet
    this.#options = options
    // A third of the lease: two renewals may fail before the VM ends itself.
    this.#renewal = options.clock.every((options.leaseMinutes * 60_000) / 3, () => void this.#renew())
  }

  async launch(request: LaunchRequest, role: VmRole, signal: AbortSignal): Promise<Job> {
    signal.throwIfAborted()
    if (this.#closed) throw new Error(`${request.name} cannot be launched: the run is ending`)
    this.#vms.set(request.name, { role, launchedAt: this.#options.clock.now(), goneAt: null })
    this.#options.save([...this.#vms].map(([name, vm]) => ({ fleet: this.#fleet.kind, name, role: vm.role })))
    return this.#fleet.launch(request, signal)
  }

  /** Ends one VM now; the same ending is returned to everybody who asks. */
  async end(name: string): Promise<void> {
    const vm = this.#vms.get(name)
    if (!vm) return
    vm.ending ??= this.#fleet.down([name]).then(([result]) => result ?? { name, verified: true })
    const result = await vm.ending
    if (result.verified) {
      vm.goneAt ??= this.#options.clock.now()
      return
    }
    if (vm.command === undefined)
      this.#options.warn(`${name} may still be running (${result.reason}). End it: ${result.command}`)
    vm.command = result.command
  }

  /** Ends every VM, side by side; nothing can be launched afterwards. */
  async endAll(): Promise<void> {
    this.#closed = true
    this.#renewal[Symbol.dispose]()
    await Promise.all([...this.#vms.keys()].map(name => this.end(name)))
  }

  endings(): readonly VmEnding[] {
    return [...this.#vms].map(([name, { role, launchedAt, goneAt, command }]) => ({
      name,
      role,
      launchedAt,
      goneAt,
      ...(goneAt === null ? { command: command ?? `lmrun down ${name}` } : {}),
    }))
  }

  async #renew(): Promise<void> {
    const names = [...this.#vms].filter(([, vm]) => vm.ending === undefined).map(([name]) => name)
    try {
      await this.#fleet.renewLease(names, this.#options.leaseMinutes)
    } catch (error) {
      this.#options.warn(`the lease of ${names.join(', ')} could not be renewed: ${explain(error)}`)
    }
  }
}
