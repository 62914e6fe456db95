/** What the requests of one API server share: its records, who works on which VM, and the way to the cloud. */
import { appendFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SkyArgs } from './args.ts'
import type { EndedBy } from './cloud.ts'
import type { Db } from './db.ts'
import type { FaultAction } from './faults.ts'
import type { Place } from './place.ts'
import { ask } from './wire.ts'

export interface Request extends SkyArgs {
  readonly id: string
  readonly cwd: string
  /** Values of `--secret NAME` and `--env NAME`. */
  readonly given: Readonly<Record<string, string>>
  readonly by: EndedBy
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Aborted by `api cancel`, or by a `down` of the VM that it launches. */
  readonly cancelled: AbortController
}

export class Server {
  readonly place: Place
  readonly db: Db
  readonly requests = new Set<Request>()
  readonly #locks = new Map<string, Promise<unknown>>()

  constructor(place: Place, db: Db) {
    this.place = place
    this.db = db
  }

  open(args: SkyArgs, from: object): Request {
    const { cwd, given, by, out, err } = from as Omit<Request, keyof SkyArgs>
    const id = crypto.randomUUID()
    const request = { ...args, id, cwd, given, by, out, err, cancelled: new AbortController() }
    this.requests.add(request)
    this.#keep({ args, cwd, given })
    return request
  }

  /** The real one has a database of what it was asked, secrets and all, in base64; it outlives the VMs. */
  #keep(asked: object): void {
    const line = Buffer.from(JSON.stringify(asked)).toString('base64')
    appendFileSync(path.join(this.place.sky, 'api_server', 'requests.db'), `${line}\n`)
  }

  close(request: Request): void {
    this.requests.delete(request)
  }

  /** Launches of a VM that are under way. */
  launching(name: string): Request[] {
    return [...this.requests].filter(
      ({ command, options }) => command === 'launch' && options.cluster === name,
    )
  }

  cloud<T>(call: string, question: object = {}): Promise<T> {
    return ask<T>(this.place.cloud, { call, ...question })
  }

  seconds(seconds: number, signal?: AbortSignal): Promise<void> {
    return sleep((seconds * 1000) / this.place.speed, undefined, signal ? { signal } : {})
  }

  /** One launch, exec or autostop of a VM at a time; the others wait in line. `down` waits for nobody. */
  async alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(name) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#locks.set(name, mine)
    return mine
  }

  /** Acts out what the test wants to go wrong. Null: go on. A number: the exit code. */
  async fault(request: Request, names: readonly string[]): Promise<number | 'garbage' | null> {
    const action = await this.cloud<FaultAction | null>('fault', { command: request.command, names })
    switch (action?.kind) {
      case undefined:
        return null
      case 'slow':
        await this.seconds(action.seconds, request.cancelled.signal)
        return null
      case 'hang':
        await this.seconds(1e6, request.cancelled.signal)
        return 1
      case 'locked': {
        const reason = `Cluster '${names[0]}' is locked by ${names[0]}_status. Check to see if it is still being launched`
        request.out(`Terminating cluster ${names[0]}...failed. \nReason: RuntimeError: ${reason}.\n`)
        return 1
      }
      case 'garbage':
        return 'garbage'
      case 'lie':
        return 0
      case 'fail':
        request.err(`${action.stderr}\n`)
        return action.exitCode ?? 1
    }
  }
}
