import { MESH } from '../../mesh-names.ts'

/** Where objects are in the API: collections without a name, else one object. */
const at = (collection: string) => (name?: string) =>
  name === undefined ? collection : `${collection}/${name}`

export const PATH = {
  node: at('/api/v1/nodes'),
  service: at(`/api/v1/namespaces/${MESH.namespace}/services`),
  slice: at(`/apis/discovery.k8s.io/v1/namespaces/${MESH.namespace}/endpointslices`),
  /** Beats and bindings. */
  own: at(`/api/v1/namespaces/${MESH.ownNamespace}/configmaps`),
}

/** A collection that holds one object alone, for watching it. */
export function only(path: string): string {
  const cut = path.lastIndexOf('/')
  return `${path.slice(0, cut)}?fieldSelector=${encodeURIComponent(`metadata.name=${path.slice(cut + 1)}`)}`
}
