import type { Clock } from './clock.ts'
import { explain, LmrunError } from './errors.ts'
import type { DownResult } from './fleet/fleet.ts'
import { readStatus } from './mesh/read-status.ts'
import type { NodeStatus } from './mesh/status.ts'
import { connectMain, type Reachable } from './mesh-main.ts'

export interface DownDeps {
  readonly fleet: Reachable
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/**
 * Ends a main, after it has told who is in its mesh.
 * @param options.sure although VMs are in it, or nobody can say whether
 * @throws LmrunError when it does not end it for those reasons
 */
export async function meshDown(
  name: string,
  { sure }: { readonly sure: boolean },
  { fleet, clock, signal, log }: DownDeps,
): Promise<DownResult> {
  const vms = await fleet.list()
  if (!vms.some(vm => vm.name === name)) return { name, verified: true }
  const others = await othersIn(name, { fleet, clock, signal, log })
  for (const line of told(others)) log(line)
  const isEmpty = others.known && others.nodes.length === 0
  if (!isEmpty && !sure) {
    throw new LmrunError(`${name} was not ended`, {
      hint: `End those VMs first (lmrun ls --fleet sky), or end main alone: lmrun mesh down ${name} --yes`,
    })
  }
  const [result] = await fleet.down([name])
  return result ?? { name, verified: true }
}

type Others =
  | { readonly known: true; readonly nodes: readonly NodeStatus[] }
  | { readonly known: false; readonly why: string }

async function othersIn(name: string, { fleet, clock, signal }: DownDeps): Promise<Others> {
  await using tunnels = new AsyncDisposableStack()
  try {
    const connection = await connectMain(fleet, { name, signal, tunnels })
    const { nodes } = await readStatus(connection, { clock, signal })
    return { known: true, nodes: nodes.filter(({ role }) => role !== 'main') }
  } catch (error) {
    signal.throwIfAborted()
    return { known: false, why: explain(error) }
  }
}

function told(others: Others): readonly string[] {
  if (!others.known) return [`which VMs are in the mesh cannot be told: ${others.why}`]
  if (others.nodes.length === 0) return ['no VM is in the mesh but main']
  return [
    'these VMs are in the mesh, and reach each other no more without main; they go on, and cost, until they are ended:',
    ...others.nodes.map(({ name, vm, run }) => `  ${vm ?? name}${run === null ? '' : ` of run ${run}`}`),
  ]
}
