import type { VmFile } from '../fleet.ts'
import type { SkyContext } from './context.ts'
import { orLost } from './jobs.ts'
import { Unreachable } from './types.ts'

/** A network that is gone for a while comes back; the VM's setup waits longer than that. */
const PATIENCE_MS = 5 * 60_000
const AGAIN_MS = 2000

/**
 * Writes files on a VM, over ssh alone; again while it does not answer.
 * @throws VmLost when it is gone, Unreachable when it has not answered for some minutes
 */
export async function hand(
  context: SkyContext,
  vm: string,
  files: readonly VmFile[],
  signal: AbortSignal,
): Promise<void> {
  const { access, clock } = context
  const until = clock.now() + PATIENCE_MS
  for (;;) {
    signal.throwIfAborted()
    try {
      return await orLost(context, vm, () => access.hand(vm, files, signal), signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof Unreachable) || clock.now() >= until) throw error
    }
    await clock.sleep(AGAIN_MS, signal)
  }
}
