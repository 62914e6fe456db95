import type { Clock } from '../clock.ts'
import { explain } from '../errors.ts'
import type { Ending } from '../labels.ts'
import type { DownResult, Fleet, FleetKind, Job, LaunchRequest, VmPrice } from './fleet.ts'
import { leaseAlarm } from './lease-alarm.ts'

export type VmRole = 'server' | 'client' | 'main'

/**
 * One launch, as a later process needs it to end the VM and to tell its cost: saved before the launch, and again when
 * more is known of it.
 */
export interface SavedVm {
  readonly fleet: FleetKind
  readonly name: string
  readonly role: VmRole
  /** `keep`: it serves, and outlives its run on purpose. */
  readonly ending: Ending
  /** Unix milliseconds. */
  readonly launchedAt: number
  readonly goneAt: number | null
  readonly price?: VmPrice
}

/** One launch and what became of it: a VM that was launched again has several. */
export interface VmEnding {
  readonly name: string
  readonly role: VmRole
  /** Unix milliseconds. */
  readonly launchedAt: number
  readonly goneAt: number | null
  /** The exact command that ends it, when it was not seen to be gone, or is kept. */
  readonly command?: string
  /** It is warm on purpose, until its lease ends. */
  readonly kept?: true
  readonly price?: VmPrice
}

export interface RunVmsOptions {
  readonly clock: Clock
  readonly leaseMinutes: number
  /** Called with every launch of the run: before the next one, and when a VM is gone or its price is known. */
  readonly save: (vms: readonly SavedVm[]) => void
  readonly warn: (text: string) => void
}

/** The command that ends a VM of a fleet. */
export function endByHand(fleet: FleetKind, name: string): string {
  return `lmrun down ${name}${fleet === 'local' ? '' : ` --fleet ${fleet}`}`
}

interface Launch {
  readonly name: string
  readonly role: VmRole
  readonly launchedAt: number
  readonly reuse: boolean
  /** Unix milliseconds when its lease ends; null while it is being launched. */
  armedUntil: number | null
  /** It has served: worth keeping, when that was asked for. */
  ready: boolean
  kept: boolean
  ending: Promise<void> | null
  goneAt: number | null
  command?: string
  price?: VmPrice
}

/**
 * The VMs of one run: saved before launch, lease renewed while the run lives, each ended and verified, or kept. A VM
 * is kept when that was asked for (`reuse`) and it became ready, however the run ends; any other is ended.
 */
export class RunVms {
  readonly #launches: Launch[] = []
  readonly #renewal: Disposable
  readonly #fleet: Fleet
  readonly #options: RunVmsOptions
  readonly #prices: Promise<void>[] = []
  #all: Promise<void> | null = null
  #misses = 0
  #renewing = false

  constructor(fleet: Fleet, options: RunVmsOptions) {
    this.#fleet = fleet
    this.#options = options
    // A third of the lease: two renewals may fail before the VM ends itself.
    this.#renewal = options.clock.every(this.#leaseMs / 3, () => void this.#renew())
  }

  /** The last VM of this name must have been seen to be gone. */
  async launch(request: LaunchRequest, role: VmRole, signal: AbortSignal): Promise<Job> {
    const { name, reuse } = request
    signal.throwIfAborted()
    if (this.#all) throw new Error(`${name} cannot be launched: the run is ending`)
    if (!this.isGone(name)) throw new Error(`${name} cannot be launched: there is one already`)
    const launchedAt = this.#now()
    const vm: Launch = {
      ...{ name, role, reuse, launchedAt },
      ...{ armedUntil: null, ready: false, kept: false, ending: null, goneAt: null },
    }
    this.#launches.push(vm)
    this.#save()
    const job = await this.#fleet.launch(request, signal)
    vm.armedUntil = this.#now() + this.#leaseMs
    this.#prices.push(this.#askPrice(vm))
    return job
  }

  /** It serves: from now on it is kept, when that was asked for. */
  ready(name: string): void {
    const vm = this.#find(name)
    if (!vm || vm.ready) return
    vm.ready = true
    if (vm.reuse) this.#save()
  }

  /** Whether there is no VM of this name, as far as this run knows. */
  isGone(name: string): boolean {
    const vm = this.#find(name)
    return !vm || vm.goneAt !== null
  }

  /** Ends one VM now; the same ending is returned to everybody who asks. One that was not verified is tried again. */
  async end(name: string): Promise<void> {
    const vm = this.#find(name)
    if (vm) await this.#end([vm])
  }

  /** It is not needed any more: ends it, or keeps it warm. Its lease is renewed until the run ends. */
  async release(name: string): Promise<void> {
    const vm = this.#find(name)
    if (vm && !this.#keep(vm)) await this.#end([vm])
  }

  /** Ends or keeps every VM, side by side; nothing can be launched afterwards. */
  endAll(): Promise<void> {
    this.#all ??= this.#endAll()
    return this.#all
  }

  endings(): readonly VmEnding[] {
    return this.#launches.map(({ name, role, launchedAt, goneAt, command, kept, price }) => ({
      ...{ name, role, launchedAt, goneAt },
      ...(goneAt === null ? { command: command ?? endByHand(this.#fleet.kind, name) } : {}),
      ...(kept ? { kept } : {}),
      ...(price ? { price } : {}),
    }))
  }

  /** Resolves when every price that was asked for is known, or will not be. */
  async priced(): Promise<void> {
    await Promise.all(this.#prices)
  }

  async #endAll(): Promise<void> {
    this.#renewal[Symbol.dispose]()
    const left = this.#launches.filter(vm => vm.goneAt === null && !this.#keep(vm))
    const underWay = left.filter(vm => vm.ending)
    await Promise.all([this.#end(left), this.#renew()])
    // What was told to go before, and was not seen to, is told once more.
    await this.#end(underWay)
  }

  #keep(vm: Launch): boolean {
    if (vm.reuse && vm.ready && !vm.ending) vm.kept = true
    return vm.kept
  }

  async #end(vms: readonly Launch[]): Promise<void> {
    const fresh = vms.filter(vm => vm.goneAt === null && !vm.ending)
    const results = fresh.length > 0 ? this.#fleet.down(fresh.map(vm => vm.name)) : Promise.resolve([])
    for (const vm of fresh) {
      vm.kept = false
      vm.ending = results.then(all => this.#noteEnd(vm, all))
    }
    await Promise.all(vms.map(vm => vm.ending))
  }

  #noteEnd(vm: Launch, results: readonly DownResult[]): void {
    const result = results.find(({ name }) => name === vm.name)
    if (!result || result.verified) {
      vm.goneAt = this.#now()
      this.#save()
      return
    }
    vm.ending = null
    if (vm.command === undefined)
      this.#options.warn(`${vm.name} may still be running (${result.reason}). End it: ${result.command}`)
    vm.command = result.command
  }

  /** For all that are up in one call; a VM under launch has its lease from the launch. */
  async #renew(): Promise<void> {
    const vms = this.#launches.filter(vm => vm.armedUntil !== null && vm.goneAt === null && !vm.ending)
    if (vms.length === 0) return
    if (this.#renewing) return this.#miss(vms, 'the last renewal has not ended')
    this.#renewing = true
    const now = this.#now()
    try {
      await this.#fleet.renewLease(
        vms.map(vm => vm.name),
        this.#options.leaseMinutes,
      )
      for (const vm of vms) vm.armedUntil = now + this.#leaseMs
      this.#misses = 0
    } catch (error) {
      this.#miss(vms, explain(error))
    } finally {
      this.#renewing = false
    }
  }

  /** One miss is made good by the next renewal; two in a row are told. */
  #miss(vms: readonly Launch[], reason: string): void {
    this.#misses += 1
    const left = vms.filter(vm => vm.goneAt === null && !vm.ending)
    if (this.#misses === 2 && left.length > 0) this.#options.warn(leaseAlarm(left, reason))
  }

  async #askPrice(vm: Launch): Promise<void> {
    try {
      const price = (await this.#fleet.prices?.([vm.name]))?.get(vm.name)
      if (!price) return
      vm.price = price
      this.#save()
    } catch {
      // The report says that its price is not known.
    }
  }

  #save(): void {
    this.#options.save(
      this.#launches.map(({ name, role, reuse, ready, launchedAt, goneAt, price }) => ({
        ...{ fleet: this.#fleet.kind, name, role, launchedAt, goneAt },
        ending: reuse && ready ? 'keep' : 'down',
        ...(price ? { price } : {}),
      })),
    )
  }

  #find(name: string): Launch | undefined {
    return this.#launches.findLast(vm => vm.name === name)
  }

  #now(): number {
    return this.#options.clock.now()
  }

  get #leaseMs(): number {
    return this.#options.leaseMinutes * 60_000
  }
}
