import type { V1EndpointSlice, V1Node } from '@kubernetes/client-node'
import { MESH, MESH_LABEL, type NodeName } from '../../mesh-names.ts'
import { nodeAddress } from '../../mesh-nodes.ts'
import { MANAGED_BY, MANAGER } from '../kube/managers.ts'
import type { PublishOptions } from '../types.ts'

/** On slices: main makes their Service headless. */
export const HEADLESS = 'lmrun-headless'

export interface SliceRequest {
  readonly node: V1Node
  readonly name: NodeName
  readonly publish: PublishOptions
  readonly ready: boolean
}

/** What a VM's node shows to the mesh; null as long as it has no address there. */
export function sliceOf({ node, name, publish, ready }: SliceRequest): V1EndpointSlice | null {
  const address = nodeAddress(node)
  const { name: nodeName, uid } = node.metadata ?? {}
  if (address === null || !nodeName || !uid) return null
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: nodeName,
      namespace: MESH.namespace,
      labels: {
        [MESH_LABEL.service]: name.vm,
        [MESH_LABEL.vm]: name.vm,
        [MANAGED_BY]: MANAGER.agent,
        [HEADLESS]: String(publish.headless),
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }],
    },
    addressType: 'IPv4',
    ports: publish.ports.map(port => ({ ...port, protocol: 'TCP' })),
    endpoints: [
      { addresses: [address], nodeName, conditions: { ready, serving: ready, terminating: false } },
    ],
  }
}

/** The slice that is there says what it should; what others added to it, such as managers of fields, is theirs. */
export function isSettled(there: V1EndpointSlice | null, wanted: V1EndpointSlice): boolean {
  return there !== null && JSON.stringify(essence(there)) === JSON.stringify(essence(wanted))
}

function essence({ metadata, ports, endpoints }: V1EndpointSlice) {
  const labels = [MESH_LABEL.service, MESH_LABEL.vm, MANAGED_BY, HEADLESS].map(key => metadata?.labels?.[key])
  return {
    labels,
    owners: metadata?.ownerReferences?.map(({ uid }) => uid),
    ports: ports?.map(({ name, port, protocol }) => [name, port, protocol]),
    endpoints: (endpoints ?? []).map(({ addresses, nodeName, conditions }) => [
      addresses,
      nodeName,
      conditions?.ready,
    ]),
  }
}
