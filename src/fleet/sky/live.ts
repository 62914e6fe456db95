import { LmrunError } from '../../errors.ts'
import { VmLost } from '../failures.ts'

/** What this process knows of a VM while it has to do with it. */
export interface Live {
  /** Aborts when the VM is told to go: nobody waits for anything on it any more. */
  readonly gone: AbortController
  /** Values that its logs must not show. */
  readonly secrets: Set<string>
  /** Number of the job that was started last. */
  lastJob: number
  launch?: { readonly stop: AbortController; readonly settled: Promise<unknown> }
}

/** The VMs of this process: which are being launched, and who waits for what on them. */
export class LiveVms {
  readonly #vms = new Map<string, Live>()

  /** Of a VM that this process knows, or that another one launched. */
  of(vm: string): Live {
    return this.#vms.get(vm) ?? this.#begin(vm)
  }

  get size(): number {
    return this.#vms.size
  }

  names(): string[] {
    return [...this.#vms.keys()]
  }

  has(vm: string): boolean {
    return this.#vms.has(vm)
  }

  secrets(vm: string): Iterable<string> {
    return this.#vms.get(vm)?.secrets ?? []
  }

  isLaunching(vm: string): boolean {
    return this.#vms.get(vm)?.launch !== undefined
  }

  forget(vm: string): void {
    this.#vms.delete(vm)
  }

  /**
   * A launch, which begins a new life of the VM: it can be stopped, and its end awaited.
   * @throws LmrunError when one goes on
   */
  async launch(
    vm: string,
    signal: AbortSignal,
    work: (live: Live, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (this.isLaunching(vm)) throw new LmrunError(`${vm} is being launched already`)
    const live = this.#begin(vm)
    const stop = new AbortController()
    const launch = work(live, AbortSignal.any([signal, stop.signal]))
    live.launch = { stop, settled: launch.catch(() => {}) }
    try {
      await launch
    } finally {
      delete live.launch
    }
  }

  /** They are told to go: whoever waits on them ends. Resolves when their launches have ended, too. */
  async stop(vms: readonly string[]): Promise<void> {
    const lives = vms.flatMap(vm => {
      const live = this.#vms.get(vm)
      return live ? [{ vm, live }] : []
    })
    for (const { vm, live } of lives) {
      live.gone.abort(new LmrunError(`${vm} was ended`))
      live.launch?.stop.abort(new LmrunError('the VM was ended while it was being launched'))
    }
    await Promise.all(lives.map(({ live }) => live.launch?.settled))
  }

  /** Ends with VmLost when the VM is told to go meanwhile. */
  async whileThere<T>(
    vm: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const gone = this.#vms.get(vm)?.gone.signal
    const either = gone ? AbortSignal.any([signal, gone]) : signal
    try {
      return await work(either)
    } catch (error) {
      signal.throwIfAborted()
      if (gone?.aborted) throw new VmLost(vm, 'lost', gone.reason)
      throw error
    }
  }

  #begin(vm: string): Live {
    const live: Live = { gone: new AbortController(), secrets: new Set(), lastJob: 1 }
    this.#vms.set(vm, live)
    return live
  }
}
