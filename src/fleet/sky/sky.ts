import type { Clock } from '../../clock.ts'
import { explain, isAbort, LmrunError } from '../../errors.ts'
import type {
  DownResult,
  Endpoint,
  Fleet,
  Job,
  JobState,
  LaunchRequest,
  Preflight,
  PreflightLimits,
  ScriptReply,
  Task,
  Tunnel,
  VmFile,
  VmInfo,
  VmPrice,
} from '../fleet.ts'
import { checkLease, isVmName } from '../task.ts'
import type { Renderer, SkyContext } from './context.ts'
import { endVms } from './down.ts'
import { endpointOf } from './endpoint.ts'
import { hand } from './hand.ts'
import { jobEnd, jobState, orLost, tailLog } from './jobs.ts'
import { clear, launchVm, renderRequest } from './launch.ts'
import { confirmLease, renewLease } from './lease.ts'
import { listVms } from './list.ts'
import { type Live, LiveVms } from './live.ts'
import { maskWith } from './mask.ts'
import { VmNotes } from './notes.ts'
import { vmPrices } from './prices.ts'
import { adopt, contentHash, lookForWarm, noteContent } from './reuse.ts'
import { ApiServer, noticing } from './server.ts'
import type { SkyCli, VmAccess } from './types.ts'

export interface SkyFleetOptions {
  readonly cli: SkyCli
  readonly access: VmAccess
  readonly clock: Clock
  readonly renderer: Renderer
  /** Rendered templates and notes of VMs, for this process and the one that ends what it left. */
  readonly folder: string
  /** SKYPILOT_API_SERVER_ENDPOINT is set. */
  readonly sharedServer: boolean
  readonly warn: (text: string) => void
  /** Whether an API server runs on this machine already; asks it by default. */
  readonly serverAnswers?: () => Promise<boolean>
  /** Gets the fleet's own way to `sky`: the first call, which starts its API server, may be one of these. */
  readonly preflight?: (
    requests: readonly LaunchRequest[],
    limits: PreflightLimits,
    cli: SkyCli,
  ) => Promise<Preflight>
  /** Milliseconds for ending VMs and seeing them gone. */
  readonly teardownMs?: number
}

/** Four minutes with the last look: the runner gives the post step 5 after a cancel, and the report needs some of them. */
const TEARDOWN_MS = 225_000

/** VMs through SkyPilot's `sky` command, on any cloud that it knows. */
export function createSkyFleet(options: SkyFleetOptions): Fleet {
  return new SkyFleet(options)
}

class SkyFleet implements Fleet {
  readonly kind = 'sky'
  readonly preflight?: NonNullable<Fleet['preflight']>
  readonly #context: SkyContext
  readonly #server: ApiServer
  readonly #teardownMs: number
  readonly #vms = new LiveVms()
  readonly #ending = new Map<string, Promise<DownResult>>()
  readonly #closed = new AbortController()
  /** Renewals one after another: two calls for one VM would wait for each other's lock. */
  #renewing: Promise<unknown> = Promise.resolve()

  constructor(options: SkyFleetOptions) {
    const { access, clock, renderer, folder, warn, sharedServer, serverAnswers, preflight } = options
    const cli = noticing(options.cli, () => this.#server, this.#closed.signal)
    this.#context = { cli, access, clock, renderer, folder, warn, notes: new VmNotes(folder) }
    const answers = serverAnswers === undefined ? {} : { answers: serverAnswers }
    this.#server = new ApiServer({ cli: options.cli, folder, shared: sharedServer, clock, ...answers })
    this.#teardownMs = options.teardownMs ?? TEARDOWN_MS
    if (preflight) this.preflight = (requests, limits) => preflight(requests, limits, cli)
  }

  async check(request: LaunchRequest): Promise<void> {
    await renderRequest(this.#context.renderer, request)
  }

  async launch(request: LaunchRequest, signal: AbortSignal): Promise<Job> {
    signal.throwIfAborted()
    const { name } = request
    const known = this.#vms.has(name)
    await this.#vms.launch(name, signal, (live, either) =>
      this.#launch(request, live, { known, signal: either }),
    )
    return { vm: name, id: 1 }
  }

  async exec(vm: string, task: Task, signal: AbortSignal): Promise<Job> {
    signal.throwIfAborted()
    const bound = await this.#context.renderer.bind(task)
    const live = this.#vms.of(vm)
    for (const secret of Object.values(bound.secrets)) live.secrets.add(secret)
    const id = ++live.lastJob
    await this.#vms.whileThere(vm, signal, either =>
      orLost(this.#context, vm, () => this.#context.access.start(vm, id, bound, either)),
    )
    return { vm, id }
  }

  jobState(job: Job): Promise<JobState> {
    return jobState(this.#context, job)
  }

  jobEnd(job: Job, signal: AbortSignal): Promise<JobState> {
    return this.#vms.whileThere(job.vm, signal, either => jobEnd(this.#context, job, either))
  }

  async tailLog(job: Job, lines: number): Promise<readonly string[]> {
    const mask = maskWith(this.#vms.secrets(job.vm))
    return (await tailLog(this.#context, job, lines)).map(mask)
  }

  fetch(vm: string, from: string, to: string): Promise<boolean> {
    return orLost(this.#context, vm, () => this.#context.access.pull(vm, from, to))
  }

  push(vm: string, from: string, to: string): Promise<void> {
    return orLost(this.#context, vm, () => this.#context.access.push(vm, from, to))
  }

  hand(vm: string, files: readonly VmFile[], signal: AbortSignal): Promise<void> {
    return this.#vms.whileThere(vm, signal, either => hand(this.#context, vm, files, either))
  }

  run(vm: string, script: string, signal: AbortSignal): Promise<ScriptReply> {
    return this.#vms.whileThere(vm, signal, either => this.#context.access.run(vm, script, either))
  }

  tunnel(vm: string, port: number, signal: AbortSignal): Promise<Tunnel> {
    return this.#vms.whileThere(vm, signal, either => this.#context.access.tunnel(vm, port, either))
  }

  endpoint(vm: string, port: number): Promise<Endpoint> {
    return this.#vms.whileThere(vm, this.#closed.signal, signal =>
      endpointOf(this.#context, vm, port, signal),
    )
  }

  async down(names: readonly string[]): Promise<readonly DownResult[]> {
    // What is no name of a VM is the name of none, and never a pattern that SkyPilot would take.
    const fresh = [...new Set(names)].filter(name => isVmName(name) && !this.#ending.has(name))
    if (fresh.length > 0) {
      const all = this.#end(fresh)
      for (const [index, name] of fresh.entries()) {
        const one = all.then(results => results[index] ?? { name, verified: true as const })
        this.#ending.set(
          name,
          one.finally(() => this.#ending.delete(name)),
        )
      }
    }
    return Promise.all(names.map(name => this.#ending.get(name) ?? { name, verified: true as const }))
  }

  list(): Promise<readonly VmInfo[]> {
    return listVms(this.#context, new Set(this.#ending.keys()))
  }

  async renewLease(names: readonly string[], leaseMinutes: number): Promise<void> {
    checkLease(leaseMinutes)
    const before = this.#renewing
    const renewal = before.then(() => {
      // A launch sets the lease itself, and a VM that goes needs none: either holds the VM's lock.
      const free = names.filter(name => !this.#vms.isLaunching(name) && !this.#ending.has(name))
      return renewLease(this.#context, free, leaseMinutes)
    })
    this.#renewing = renewal.catch(() => {})
    await renewal
  }

  prices(names: readonly string[]): Promise<ReadonlyMap<string, VmPrice>> {
    return vmPrices(this.#context, names)
  }

  async close(): Promise<void> {
    this.#closed.abort(new LmrunError('the fleet was closed'))
    // Ending all ends the search for `sky`, too, without which nobody stops the server; what has run is soon found.
    if (await this.#server.isOurs()) await this.#context.cli.ready().catch(() => {})
    await this.#context.cli.endAll()
    await Promise.allSettled(this.#vms.names().map(vm => this.#context.access.leave(vm)))
    // Whoever ends the VMs that are left needs it, and stops it.
    if (this.#vms.names().length === 0) await this.#server.stop()
  }

  async #launch(
    request: LaunchRequest,
    live: Live,
    { known, signal }: { readonly known: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const { name, reuse, leaseMinutes } = request
    const rendered = await renderRequest(this.#context.renderer, request)
    for (const secret of Object.values(rendered.secrets)) live.secrets.add(secret)
    const hash = reuse ? contentHash(rendered) : null
    const warm = hash === null ? 'none' : await lookForWarm(this.#context, name, hash, signal)
    if (warm === 'same') return adopt(this.#context, request)
    // What is left of it would be launched into, with the old resources and beside the old job.
    if (known || warm === 'other') await clear(this.#context, name, this.#teardownMs)
    await launchVm(this.#context, request, rendered, signal)
    this.#beside(live, async over => {
      if (hash !== null) await noteContent(this.#context, name, hash).catch(() => {})
      await confirmLease(this.#context, name, leaseMinutes, over)
    })
  }

  async #end(names: readonly string[]): Promise<readonly DownResult[]> {
    // Their commands must not ask for the VM after its end was asked for.
    await this.#vms.stop(names)
    const results = await endVms(this.#context, names, this.#teardownMs)
    for (const { name, verified } of results) if (verified) this.#vms.forget(name)
    return results
  }

  /** Work that nobody waits for; it ends with the VM, or with the fleet. */
  #beside(live: Live, work: (signal: AbortSignal) => Promise<void>): void {
    const over = AbortSignal.any([live.gone.signal, this.#closed.signal])
    work(over).catch(error => {
      if (!over.aborted && !isAbort(error)) this.#context.warn(explain(error))
    })
  }
}
