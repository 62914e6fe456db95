import { readKubeconfig } from './kubeconfig.ts'
import { connectMesh } from './mesh/connection.ts'
import { createK3sMesh, type RunConnection } from './mesh/k3s.ts'
import type { Mesh } from './mesh/mesh.ts'
import { probe } from './mesh/probe.ts'
import { curlRequest } from './mesh/remote-request.ts'
import { connectMain, reachable } from './mesh-main.ts'
import { JOIN_FILE } from './mesh-names.ts'
import type { Plan } from './plan.ts'
import type { RunParts } from './run-context.ts'
import { launchMain } from './run-main.ts'

/**
 * The mesh of a run: the direct one, unless its VMs join one. Its main is launched at once, beside all others.
 * @param direct the mesh of VMs that are reached directly
 */
export function openRunMesh(parts: RunParts, direct: Mesh): Mesh {
  const { plan, clock, signal, apiKey } = parts
  const { client } = plan
  if (plan.mesh.kind === 'direct') return direct
  const fleet = reachable(parts.fleet)
  const tunnels = new AsyncDisposableStack()
  const connection = connect(plan.mesh, parts, tunnels)
  connection.catch(() => {}) // whoever waits for a service hears of it
  const key = apiKey === undefined ? {} : { apiKey }
  const run = (script: string, over: AbortSignal) => fleet.run(client.name, script, over)
  return createK3sMesh({
    clock,
    connection,
    hand: (vm, join) => fleet.hand(vm, [{ path: JOIN_FILE, content: `${JSON.stringify(join)}\n` }], signal),
    probe: ({ base, name }, over) => probe({ base, name, ...key }, over, curlRequest(run)),
    labels: client.labels,
    close: () => tunnels.disposeAsync(),
  })
}

async function connect(
  mesh: Exclude<Plan['mesh'], { kind: 'direct' }>,
  parts: RunParts,
  tunnels: AsyncDisposableStack,
): Promise<RunConnection> {
  if (mesh.kind === 'shared') {
    const kubeconfig = await readKubeconfig(mesh.kubeconfig, 'mesh-kubeconfig')
    return { ...(await connectMesh(kubeconfig)), stays: true }
  }
  const { signal } = parts
  const { name, adopted } = await launchMain(mesh, parts)
  const connection = await connectMain(reachable(parts.fleet), { name, signal, tunnels })
  // A mesh of the run's own goes with its main, and all that is in it.
  return { ...connection, stays: adopted }
}
