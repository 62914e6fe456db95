import type { Clock } from '../clock.ts'
import { LmrunError } from '../errors.ts'
import { MESH, MESH_LABEL } from '../mesh-names.ts'
import { unlessAborted } from '../waiting.ts'
import type { MeshConnection } from './connection.ts'
import { type MeshStatus, meshStatus } from './status.ts'

/** Milliseconds for all of it. */
const READ_MS = 60_000

/** @throws LmrunError when the API server does not say, or not in time */
export async function readStatus(
  { kube, main }: MeshConnection,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<MeshStatus> {
  const { core, discovery } = kube
  const vms = { labelSelector: MESH_LABEL.vm }
  const either = AbortSignal.any([signal, clock.timeout(READ_MS)])
  try {
    const asked = Promise.all([
      core.listNode(),
      core.listNamespacedService({ namespace: MESH.namespace, ...vms }),
      discovery.listNamespacedEndpointSlice({ namespace: MESH.namespace, ...vms }),
      core.listNamespacedConfigMap({ namespace: MESH.ownNamespace, ...vms }),
    ])
    const [nodes, services, slices, beats] = await unlessAborted(asked, either)
    const objects = { nodes: nodes.items, services: services.items, slices: slices.items, beats: beats.items }
    return meshStatus({ main, ...objects }, clock.now())
  } catch (cause) {
    signal.throwIfAborted()
    throw new LmrunError(`the API server at ${kube.server} does not tell what is in the mesh`, { cause })
  }
}
