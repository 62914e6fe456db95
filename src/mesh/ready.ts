import type { V1EndpointSlice } from '@kubernetes/client-node'
import type { Clock } from '../clock.ts'
import { isAbort, LmrunError } from '../errors.ts'
import { follow, isRefusal } from '../mesh-kube.ts'
import { MESH, MESH_LABEL } from '../mesh-names.ts'
import type { Kube } from './kube.ts'
import type { WaitOptions } from './mesh.ts'

/**
 * Waits until a service has a ready endpoint, by watching its EndpointSlices: the agent on its VM marks it so once the
 * server is healthy and lists its model.
 * @throws LmrunError on the deadline with what was last seen, or at once when the credentials are refused
 */
export async function waitForEndpoint(
  kube: Kube,
  name: string,
  { signal, deadlineMs, clock }: WaitOptions & { readonly clock: Clock },
): Promise<void> {
  const deadline = clock.timeout(deadlineMs)
  const either = AbortSignal.any([signal, deadline])
  const { namespace } = MESH
  const labelSelector = `${MESH_LABEL.service}=${name}`
  let seen = 'nothing: its VM has not joined the mesh'
  const followed = {
    path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    labelSelector,
    list: () => kube.discovery.listNamespacedEndpointSlice({ namespace, labelSelector }),
  }
  const told = (slices: ReadonlyMap<string, V1EndpointSlice>) => {
    const endpoints = [...slices.values()].flatMap(slice => slice.endpoints ?? [])
    if (endpoints.some(({ conditions }) => conditions?.ready === true)) return true
    if (endpoints.length > 0) seen = 'its VM in the mesh, but the server on it not healthy'
    return false
  }
  try {
    await follow(followed, told, { watcher: kube.watcher, clock, signal: either, isFinal: isRefusal })
  } catch (error) {
    if (signal.aborted) throw error
    if (isAbort(error) && deadline.aborted) {
      throw new LmrunError(
        `${name} was not ready after ${Math.round(deadlineMs / 1000)} s: last seen ${seen}`,
        {
          cause: error,
          hint: 'Look at the end of its log; give it more time with max-minutes, or a smaller model.',
        },
      )
    }
    throw new LmrunError(`the mesh could not be asked for ${name}`, {
      cause: error,
      hint: 'The kubeconfig must let its user list and watch EndpointSlices in the namespace default.',
    })
  }
}
