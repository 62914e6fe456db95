/**
 * The cloud itself, which knows nothing of SkyPilot: machines that bill until they are ended, each with an agent
 * (skylet) that ends it when its lease is over, whatever became of those who launched it.
 */
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Inside, type JobRecord, type TaskSpec, Vm } from './vm.ts'

/** Who ended a VM: a ring of the teardown, or the world. */
export type EndedBy = 'main' | 'post' | 'sky' | 'lease' | 'shutdown' | 'sweeper' | 'cloud' | 'test'

export interface LedgerEntry {
  readonly name: string
  readonly id: string
  /** Unix milliseconds. */
  readonly launchedAt: number
  readonly endedAt: number | null
  readonly endedBy: EndedBy | null
  /** In SkyPilot's seconds, which run `speed` times as fast. */
  readonly billedSeconds: number
}

export interface Lease {
  readonly minutes: number
  readonly down: boolean
  readonly waitFor: 'none' | 'jobs' | 'jobs_and_ssh'
}

export interface Instance {
  readonly id: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly spot: boolean
  readonly launchedAt: number
  readonly vm: Vm
  state: 'provisioning' | 'up' | 'ending' | 'gone'
  endedAt: number | null
  endedBy: EndedBy | null
  lease: { readonly order: Lease; readonly since: number } | null
  /** Nobody reaches it; it goes on. */
  cut: boolean
  over: AbortController
  ending?: Promise<void>
}

export interface CloudOptions {
  /** How many times faster than life. */
  readonly speed: number
  /** A folder for the VMs' disks. */
  readonly folder: string
  /** Folders that the VMs have first on PATH. */
  readonly tools: readonly string[]
  /** Makes VMs machines of their own. */
  readonly inside?: MakeInside
}

export type MakeInside = (vm: Pick<Instance, 'id' | 'name' | 'labels'>) => Promise<Inside>

/** Seconds, as measured with the real thing. */
const PROVISION_S = 20
const TERMINATE_S = 5
const TICK_S = 60

const EXPIRED =
  'botocore.exceptions.ClientError: An error occurred (ExpiredToken) when calling the operation: The security token included in the request is expired'

/** Of all clouds of this process: no two machines have one address. */
let launches = 0

export class Cloud implements AsyncDisposable {
  readonly instances: Instance[] = []
  readonly #options: CloudOptions
  #expired = false

  constructor(options: CloudOptions) {
    this.#options = options
  }

  get ledger(): LedgerEntry[] {
    return this.instances.map(({ name, id, launchedAt, endedAt, endedBy }) => ({
      name,
      id,
      launchedAt,
      endedAt,
      endedBy,
      billedSeconds: (((endedAt ?? Date.now()) - launchedAt) * this.#options.speed) / 1000,
    }))
  }

  /** What is billed now. */
  alive(): Instance[] {
    return this.instances.filter(({ state }) => state !== 'gone')
  }

  find(name: string): Instance | undefined {
    return this.alive().find(instance => instance.name === name && instance.state !== 'ending')
  }

  seconds(seconds: number, signal?: AbortSignal): Promise<void> {
    return sleep((seconds * 1000) / this.#options.speed, undefined, signal ? { signal } : {})
  }

  expireCredentials(expired = true): void {
    this.#expired = expired
  }

  /** @throws Error as the cloud's SDK says it, when the credentials have expired */
  authorise(): void {
    if (this.#expired) throw new Error(EXPIRED)
  }

  /** Bills from now on; resolves when it is up. It comes up also when nobody waits for it. */
  async create(name: string, labels: Instance['labels'], spot: boolean): Promise<Instance> {
    this.authorise()
    const id = `${name}-${crypto.randomUUID().slice(0, 8)}`
    const { folder, tools, inside } = this.#options
    const number = ++launches
    const own = inside ? { inside: () => inside({ id, name, labels }) } : {}
    const vm = new Vm({ id, name, number, folder: path.join(folder, id), tools, ...own })
    const instance: Instance = {
      id,
      name,
      labels,
      spot,
      launchedAt: Date.now(),
      vm,
      state: 'provisioning',
      endedAt: null,
      endedBy: null,
      lease: null,
      cut: false,
      over: new AbortController(),
    }
    this.instances.push(instance)
    await this.seconds(PROVISION_S, instance.over.signal).catch(() => {})
    if (instance.state !== 'provisioning') throw new Error(`${name} was terminated while it was launched`)
    await vm.boot()
    if (instance.state !== 'provisioning') throw new Error(`${name} was terminated while it was launched`)
    instance.state = 'up'
    void this.#skylet(instance)
    return instance
  }

  /** Ends all machines of a name. What has no machine is ended already. */
  async terminate(name: string, by: EndedBy): Promise<void> {
    this.authorise()
    await Promise.all(
      this.alive()
        .filter(instance => instance.name === name)
        .map(instance => this.end(instance, by)),
    )
  }

  /** The end of one machine; with the power cut (`cloud`) at once. */
  end(instance: Instance, by: EndedBy): Promise<void> {
    instance.ending ??= this.#end(instance, by)
    return instance.ending
  }

  async #end(instance: Instance, by: EndedBy): Promise<void> {
    if (by !== 'cloud' && by !== 'test') await this.seconds(TERMINATE_S)
    instance.state = 'ending'
    instance.over.abort()
    await instance.vm.end()
    instance.state = 'gone'
    instance.endedAt = Date.now()
    instance.endedBy = by
  }

  setLease(instance: Instance, order: Lease): void {
    instance.lease = { order, since: Date.now() }
  }

  submit(instance: Instance, task: TaskSpec): Promise<JobRecord> {
    return instance.vm.submit(task)
  }

  /**
   * Ends the machine by itself after so many minutes, as its own `shutdown -h +N` does: real ones, for whoever takes
   * that back looks each so many real seconds.
   */
  async shutdownIn(instance: Instance, minutes: number): Promise<void> {
    instance.vm.shutdown?.abort()
    const cancelled = new AbortController()
    instance.vm.shutdown = cancelled
    const signal = AbortSignal.any([cancelled.signal, instance.over.signal])
    await sleep(minutes * 60_000, undefined, { signal }).then(
      () => this.end(instance, 'shutdown'),
      () => {},
    )
  }

  /** Looks once a minute, on the machine: with nobody's help. */
  async #skylet(instance: Instance): Promise<void> {
    while (instance.state === 'up') {
      await this.seconds(TICK_S, instance.over.signal).catch(() => {})
      const { lease } = instance
      if (instance.state !== 'up' || !lease?.order.down || lease.order.minutes < 0) continue
      const { minutes, waitFor } = lease.order
      const idleSince =
        waitFor === 'none' ? lease.since : Math.max(lease.since, instance.vm.idleSince() ?? Date.now())
      const idleMinutes = ((Date.now() - idleSince) * this.#options.speed) / 60_000
      if (idleMinutes >= minutes) return this.end(instance, 'lease')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.alive().map(instance => this.end(instance, 'test')))
    await Promise.all(this.instances.map(({ ending }) => ending))
  }
}
