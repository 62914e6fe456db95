import { LmrunError } from './errors.ts'
import type { Fleet } from './fleet/fleet.ts'
import { connectMesh, type MeshConnection } from './mesh/connection.ts'
import { throughTunnel } from './mesh/kubeconfig.ts'
import { KUBECONFIG_FILE, MESH } from './mesh-names.ts'

/** A fleet whose VMs can be in a mesh. */
export type Reachable = Fleet & Required<Pick<Fleet, 'hand' | 'run' | 'tunnel'>>

export function reachable(fleet: Fleet): Reachable {
  if (fleet.hand && fleet.run && fleet.tunnel) return fleet as Reachable
  throw new Error(`the VMs of the fleet ${fleet.kind} cannot join a mesh`)
}

export interface MainOptions {
  /** VM name of main. */
  readonly name: string
  readonly signal: AbortSignal
  /** Gets the tunnel: the connection is good until that is disposed of. */
  readonly tunnels: AsyncDisposableStack
}

/**
 * Connects to a mesh through ssh to its main: with the kubeconfig that lies there, by a tunnel to its API server.
 * @throws LmrunError when that VM is no main node of a mesh, or does not answer
 */
export async function connectMain(
  fleet: Reachable,
  { name, signal, tunnels }: MainOptions,
): Promise<MeshConnection> {
  const { exitCode, stdout, stderr } = await fleet.run(name, `cat ~/${KUBECONFIG_FILE}`, signal)
  if (exitCode !== 0) {
    const [cause] = stderr.trim().split('\n').slice(-1)
    throw new LmrunError(`${name} is no main node of a mesh, or not yet: ${cause || `exit code ${exitCode}`}`)
  }
  const tunnel = tunnels.use(await fleet.tunnel(name, MESH.apiPort, signal))
  return connectMesh(throughTunnel(stdout, tunnel))
}
