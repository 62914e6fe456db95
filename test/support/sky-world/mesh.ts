import type { Mesh } from '../../../src/mesh/mesh.ts'
import type { Process } from './runner.ts'
import type { SkyWorld } from './world.ts'

/** A service is where its VM is, and ready when the machine serves. */
export function worldMesh(world: SkyWorld, { clock, runner }: Process): Mesh {
  return {
    address: async ({ name, port }) => `http://${name}:${port}`,
    waitUntilReady: async ({ name }, { signal, deadlineMs }) => {
      const either = AbortSignal.any([signal, clock.timeout(deadlineMs)])
      while (!(runner.online && world.machine(name)?.serves)) await clock.sleep(500, either)
    },
    admit: async () => {},
    leave: async () => {},
    close: async () => {},
  }
}
