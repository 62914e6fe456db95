import { explain, LmrunError } from '../../errors.ts'
import { autostopArgs } from './argv.ts'
import type { SkyContext } from './context.ts'
import { hasEnded } from './exit-codes.ts'
import { cleanLines, type SkyVm } from './output.ts'
import { askStatus } from './queries.ts'

const RENEW_MS = 120_000
const LOOK_EVERY_MS = 20_000
/** The lease is in force when the launch returns, or soon after. */
const EXPECTED_MS = 180_000

/**
 * Moves the lease of all names on, in one call.
 * @throws LmrunError when SkyPilot says that it did not for any: its exit code is 0 then, too
 */
export async function renewLease(
  { cli, clock, notes }: Pick<SkyContext, 'cli' | 'clock' | 'notes'>,
  names: readonly string[],
  leaseMinutes: number,
): Promise<void> {
  if (names.length === 0) return
  const askedAt = clock.now()
  const reply = await cli.run(autostopArgs(names, leaseMinutes), { timeoutMs: RENEW_MS })
  const lines = cleanLines(`${reply.stdout}\n${reply.stderr}`)
  const complaint = lines.find(line => /fail|not found|not up|does not exist|error|not supported/i.test(line))
  if (reply.exitCode !== 0 || complaint) {
    throw new LmrunError(
      `sky autostop of ${names.join(', ')} failed: ${complaint ?? lines.at(-1) ?? `exit code ${reply.exitCode}`}`,
    )
  }
  const expiresAt = askedAt + leaseMinutes * 60_000
  await Promise.all(names.map(name => notes.change(name, { expiresAt })))
}

/** SkyPilot would end this VM by itself. */
export function isArmed(vm: SkyVm): boolean {
  return vm.autostop >= 0 && vm.to_down
}

/**
 * Beside the run: looks until the lease of a new VM is in force, then takes back the shutdown that its setup armed.
 * Ends when that is done, or by abort.
 */
export async function confirmLease(
  context: SkyContext,
  vm: string,
  leaseMinutes: number,
  signal: AbortSignal,
): Promise<void> {
  const { cli, clock, warn } = context
  const since = clock.now()
  for (let told = false; ; ) {
    const read = await askStatus(cli, [vm], { signal })
    const seen = read.ok ? read.value.find(one => one.name === vm) : undefined
    if (seen && isArmed(seen)) break
    if (!told && clock.now() - since >= EXPECTED_MS) {
      told = true
      const why = read.ok ? `sky status lists it as ${seen?.status ?? 'nothing'}` : read.reason
      warn(`the lease of ${vm} is not in force yet (${why}): only this run, or the sweeper, would end it`)
    }
    if (seen?.status === 'UP') await renewLease(context, [vm], leaseMinutes).catch(() => {})
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
  await disarm(context, vm, signal)
}

/** Again until setup is over: it arms as its first act, which may come after the lease is seen. */
async function disarm({ access, clock, warn }: SkyContext, vm: string, signal: AbortSignal): Promise<void> {
  let trouble: unknown
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted()
    try {
      const { status } = await access.state(vm, 1)
      await access.disarm(vm)
      if (status === 'RUNNING' || hasEnded(status)) return
      trouble = undefined
    } catch (error) {
      trouble = error
    }
    // Four minutes without success: long before the shutdown would fire.
    if (trouble !== undefined && tries === 12) {
      warn(`the shutdown that ${vm} armed could not be taken back yet: ${explain(trouble)}`)
    }
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
}
