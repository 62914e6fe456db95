import { explain, LmrunError } from './errors.ts'
import type { LaunchRequest } from './fleet/fleet.ts'
import { follow } from './jobs.ts'
import type { RunParts } from './run-context.ts'
import { Tries } from './run-tries.ts'

export interface MainPlan {
  readonly main: LaunchRequest
  /** Uses a VM of its name that is up, and leaves it alone. */
  readonly adopt: boolean
}

/**
 * Main, the mesh's own VM, launched beside the others. Once it is up it is not replaced: a mesh that lost it is lost,
 * and whoever waits for a service in it is told.
 * @returns its name, once VMs can join, and whether it was there before. Rejects when there is no main and will be none
 */
export async function launchMain(
  { main, adopt }: MainPlan,
  context: RunParts,
): Promise<{ readonly name: string; readonly adopted: boolean }> {
  const { name } = main
  if (adopt && (await isUp(name, context))) return { name, adopted: true }
  const tries = new Tries({ subject: 'main', role: 'main', request: main }, context)
  for (;;) {
    try {
      await context.story.phase('main', 'launch', () => prepare(tries, context))
      return { name, adopted: false }
    } catch (error) {
      await tries.recover(error).catch(cause => {
        throw new LmrunError(`there is no main node for the mesh: ${explain(cause)}`, { cause })
      })
    }
  }
}

async function prepare(tries: Tries, { fleet, clock, signal }: RunParts): Promise<void> {
  const job = await tries.launch()
  await follow(fleet, job, 'the main node of the mesh', { clock, signal })
}

async function isUp(name: string, { fleet }: RunParts): Promise<boolean> {
  const vms = await fleet.list()
  return vms.some(vm => vm.name === name && (vm.status === 'UP' || vm.status === 'STARTING'))
}
