import type { Mesh } from '../../../src/mesh/mesh.ts'
import type { RunParts } from '../../../src/run-context.ts'
import { launchMain } from '../../../src/run-main.ts'
import type { Process } from './runner.ts'
import type { SkyWorld } from './world.ts'

/** A service is where its VM is, and ready when the machine serves; the main node is launched as in any run. */
export function worldMesh(world: SkyWorld, { clock, runner }: Process, parts: RunParts): Mesh {
  const { mesh } = parts.plan
  const main = mesh.kind === 'main' ? launchMain(mesh, parts) : Promise.resolve()
  main.catch(() => {}) // whoever waits to be let in hears of it
  return {
    address: async ({ name, port }) => `http://${name}:${port}`,
    waitUntilReady: async ({ name }, { signal, deadlineMs }) => {
      const either = AbortSignal.any([signal, clock.timeout(deadlineMs)])
      while (!(runner.online && world.machine(name)?.serves)) await clock.sleep(500, either)
    },
    admit: async () => void (await main),
    leave: async () => {},
    close: async () => {},
  }
}
