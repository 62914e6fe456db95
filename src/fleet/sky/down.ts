import { explain } from '../../errors.ts'
import type { DownResult } from '../fleet.ts'
import { downArgs } from './argv.ts'
import type { SkyContext } from './context.ts'
import type { Read, SkyRequest, SkyVm } from './output.ts'
import { askRequests, askStatus, isLaunching } from './queries.ts'

/** Between a look that found a VM and asking again for its end. */
const PAUSE_MS = 3000
/** A call that hangs keeps nobody from looking: it is looked after this time anyway. */
const ROUND_MS = 60_000

type End = Pick<SkyContext, 'cli' | 'clock' | 'access' | 'notes'>

/** What a look says of one VM. `absent`: not listed, but the API server may have been asked to launch it. */
export type Sight = { readonly state: 'gone' | 'absent' | 'there'; readonly reason: string }

/**
 * Ends VMs side by side: asks for each, looks once for all, and again until they are seen to be gone or the time is
 * over. `sky down` also undoes a launch that goes on, and its exit code proves nothing. Never rejects.
 */
export async function endVms(
  { cli, clock, access, notes }: End,
  names: readonly string[],
  teardownMs: number,
): Promise<readonly DownResult[]> {
  const left = new Map([...new Set(names)].map(name => [name, 'it was not looked for']))
  const absences = new Map<string, number>()
  const until = clock.now() + teardownMs
  const over = new AbortController()
  const asking = new Map<string, Promise<unknown>>()
  for (const name of left.keys()) void access.leave(name).catch(() => {})
  while (left.size > 0) {
    for (const name of left.keys()) {
      if (asking.has(name)) continue
      const call = cli
        .run(downArgs(name), { signal: over.signal, timeoutMs: Math.max(1000, until - clock.now()) })
        .catch(() => {})
        .finally(() => asking.delete(name))
      asking.set(name, call)
    }
    await oneRound([...asking.values()], clock, Math.min(ROUND_MS, Math.max(0, until - clock.now())))
    for (const [name, { state, reason }] of await look(cli, [...left.keys()])) {
      const absent = state === 'there' ? 0 : (absences.get(name) ?? 0) + 1
      absences.set(name, absent)
      if (state === 'gone' || absent > 1) left.delete(name)
      else left.set(name, reason)
    }
    if (left.size === 0 || clock.now() >= until) break
    await clock.sleep(Math.min(PAUSE_MS, until - clock.now()))
  }
  over.abort()
  return Promise.all(
    names.map(async (name): Promise<DownResult> => {
      const reason = left.get(name)
      if (reason !== undefined) return { name, verified: false, reason, command: `sky down -y ${name}` }
      await notes.forget(name).catch(() => {})
      return { name, verified: true }
    }),
  )
}

/** One look for all names; rejects never. */
async function look(cli: End['cli'], names: readonly string[]): Promise<readonly [string, Sight][]> {
  const [status, requests] = await Promise.all([askStatus(cli, names), askRequests(cli)]).catch(error => {
    const failed = { ok: false, kind: 'unreadable', reason: explain(error) } as const
    return [failed, failed] as const
  })
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
