import { explain } from '../../errors.ts'
import type { DownResult } from '../fleet.ts'
import { downArgs } from './argv.ts'
import type { SkyContext } from './context.ts'
import type { Read, SkyRequest, SkyVm } from './output.ts'
import { askRequests, askStatus, isLaunching } from './queries.ts'

/** Between a look that found a VM and asking again for its end. */
const PAUSE_MS = 3000
/** `sky down` takes 10 to 25 s. A call that takes longer keeps nobody from looking, and from asking for the others. */
const ROUND_MS = 30_000
/** A call that takes so long hangs: it is given up, and made again. */
const TRY_MS = 60_000
/** A look takes seconds. The last one begins before the time is over. */
const LOOK_MS = 45_000
const LAST_LOOK_MS = 15_000
/** A VM that is not listed, when nobody can tell what is being launched: by then a launch would have shown it. */
const ABSENT_MS = 90_000

type End = Pick<SkyContext, 'cli' | 'clock' | 'access' | 'notes'>

/** What a look says of one VM. `absent`: not listed, but the API server may have been asked to launch it. */
export type Sight = { readonly state: 'gone' | 'absent' | 'there'; readonly reason: string }

/**
 * Ends VMs side by side: asks for each, looks once for all, and again until they are seen to be gone or the time is
 * over. `sky down` also undoes a launch that goes on, and its exit code proves nothing. Never rejects.
 */
export async function endVms(
  end: End,
  names: readonly string[],
  teardownMs: number,
): Promise<readonly DownResult[]> {
  const left = await new Teardown(end, names, teardownMs).run()
  return Promise.all(
    names.map(async (name): Promise<DownResult> => {
      const reason = left.get(name)
      if (reason !== undefined) return { name, verified: false, reason, command: `sky down -y ${name}` }
      await end.notes.forget(name).catch(() => {})
      return { name, verified: true }
    }),
  )
}

class Teardown {
  readonly #end: End
  /** Why each name is not seen to be gone. */
  readonly #left: Map<string, string>
  readonly #absentSince = new Map<string, number>()
  readonly #asking = new Map<string, Promise<unknown>>()
  readonly #over = new AbortController()
  readonly #until: number

  constructor(end: End, names: readonly string[], teardownMs: number) {
    this.#end = end
    this.#left = new Map(names.map(name => [name, 'it was not looked for']))
    this.#until = end.clock.now() + teardownMs
  }

  /** @returns what was not seen to be gone, with the reason */
  async run(): Promise<ReadonlyMap<string, string>> {
    const { access, clock } = this.#end
    for (const name of this.#left.keys()) void access.leave(name).catch(() => {})
    while (this.#left.size > 0) {
      this.#ask()
      await oneRound([...this.#asking.values()], clock, Math.min(ROUND_MS, this.#timeLeft))
      await this.#look()
      if (this.#left.size === 0 || this.#timeLeft === 0) break
      await clock.sleep(Math.min(PAUSE_MS, this.#timeLeft))
    }
    this.#over.abort()
    return this.#left
  }

  /** For each that is left, unless an answer to the last time may still come. */
  #ask(): void {
    const { cli, clock } = this.#end
    for (const name of this.#left.keys()) {
      if (this.#asking.has(name)) continue
      const tried = clock.timeout(Math.min(TRY_MS, Math.max(1000, this.#timeLeft)))
      const call = cli
        .run(downArgs(name), { signal: AbortSignal.any([this.#over.signal, tried]) })
        .catch(() => {})
        .finally(() => this.#asking.delete(name))
      this.#asking.set(name, call)
    }
  }

  async #look(): Promise<void> {
    const { cli, clock } = this.#end
    const limit = clock.timeout(Math.max(LAST_LOOK_MS, Math.min(LOOK_MS, this.#timeLeft)))
    for (const [name, sight] of await look(cli, [...this.#left.keys()], limit)) {
      if (this.#isGone(name, sight)) this.#left.delete(name)
      else this.#left.set(name, sight.reason)
    }
  }

  #isGone(name: string, { state }: Sight): boolean {
    if (state !== 'absent') {
      this.#absentSince.delete(name)
      return state === 'gone'
    }
    const now = this.#end.clock.now()
    const since = this.#absentSince.get(name) ?? now
    this.#absentSince.set(name, since)
    return now - since >= ABSENT_MS
  }

  get #timeLeft(): number {
    return Math.max(0, this.#until - this.#end.clock.now())
  }
}

/** One look for all names; rejects never. */
async function look(
  cli: End['cli'],
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly [string, Sight][]> {
  const unreadable = (error: unknown) => ({ ok: false, kind: 'unreadable', reason: explain(error) }) as const
  const [status, requests] = await Promise.all([
    askStatus(cli, names, { signal }).catch(unreadable),
    askRequests(cli, signal).catch(unreadable),
  ])
  return names.map(name => [name, sightOf(name, status, requests)])
}

/** A launch that the API server has not begun yet is no VM in `sky status`, and still becomes one. */
export function sightOf(
  name: string,
  status: Read<readonly SkyVm[]>,
  requests: Read<readonly SkyRequest[]>,
): Sight {
  if (!status.ok) return { state: 'there', reason: `sky status cannot be read: ${status.reason}` }
  const vm = status.value.find(one => one.name === name)
  if (vm) return { state: 'there', reason: `sky status still lists it as ${vm.status}` }
  if (!requests.ok) return { state: 'absent', reason: `sky api status cannot be read: ${requests.reason}` }
  const launching = requests.value.some(request => request.cluster_name === name && isLaunching(request))
  return launching
    ? { state: 'there', reason: 'SkyPilot is still launching it' }
    : { state: 'gone', reason: 'it is not there' }
}

async function oneRound(calls: readonly Promise<unknown>[], clock: End['clock'], ms: number): Promise<void> {
  const over = new AbortController()
  await Promise.race([Promise.all(calls), clock.sleep(ms, over.signal).catch(() => {})])
  over.abort()
}
