import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from './folder.ts'
import { identity, listProcesses, type Owner, type Process, processesOf } from './processes.ts'

export interface EndOptions {
  /** Milliseconds between asking (TERM) and ending (KILL). */
  readonly graceMs: number
  /** A process that is left alone: the keeper that ends its own VM. */
  readonly spare?: number
}

/** How long a process may take to vanish after KILL: only one that hangs in the kernel needs more. */
const KILL_MS = 5000

/**
 * Ends all processes of all owners side by side: TERM, the grace, KILL.
 * @returns what is left of each owner, in their order; empty lists are proof, seen in a fresh look
 */
export async function endProcesses(
  owners: readonly Owner[],
  { graceMs, spare }: EndOptions,
): Promise<(readonly Process[])[]> {
  const begun = performance.now()
  const asked = new Set<string>()
  const seen: Set<string>[] = []
  for (;;) {
    const all = await listProcesses()
    const left = owners.map((owner, index) => {
      const members = processesOf(owner, all, seen[index])
      seen[index] = new Set(members.map(identity))
      return members.filter(({ pid }) => pid !== spare)
    })
    const members = left.flat()
    const elapsed = performance.now() - begun
    if (members.length === 0 || elapsed > graceMs + KILL_MS) return left
    for (const process of members) {
      if (elapsed > graceMs) send(process.pid, 'SIGKILL')
      else if (!asked.has(identity(process))) send(process.pid, 'SIGTERM')
      asked.add(identity(process))
    }
    // Most end at once; one that takes its whole grace is not worth a busy look.
    await sleep(Math.min(10 + elapsed / 10, 100))
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // Gone already, or another user's: the next look tells.
    if (!hasCode(error, 'ESRCH', 'EPERM')) throw error
  }
}
