import type { V1Node, V1Service } from '@kubernetes/client-node'
import { MESH_LABEL, type NodeName, readNodeName } from '../../mesh-names.ts'
import { nodeAddress } from '../../mesh-nodes.ts'

/**
 * Main's ConfigMap, that the policies read: `<VM name>` → its launch, `<Node name>` → its address. A VM's name belongs
 * to the launch that joined first, until the last of its Nodes is gone.
 */
export type Bindings = Readonly<Record<string, string>>

/** A Node of a VM, whoever says so. */
export interface VmNode {
  readonly name: NodeName
  readonly node: V1Node
}

export function vmNodes(nodes: Iterable<V1Node>): VmNode[] {
  return [...nodes]
    .flatMap(node => {
      const name = readNodeName(node.metadata?.name ?? '')
      return name ? [{ name, node }] : []
    })
    .sort((a, b) => joinedAt(a.node).localeCompare(joinedAt(b.node)) || compareNames(a.node, b.node))
}

/** @param services all of the namespace, by name: a name that is another Service's is never a VM's (`kubernetes`) */
export function nextBindings(
  current: Bindings,
  nodes: readonly VmNode[],
  services: ReadonlyMap<string, V1Service>,
): Bindings {
  const bound = new Map<string, string>()
  for (const { name } of nodes) if (current[name.vm] === name.launch) bound.set(name.vm, name.launch)
  for (const { name } of nodes)
    if (!bound.has(name.vm) && isOurs(services.get(name.vm))) bound.set(name.vm, name.launch)
  const ours = nodes.filter(({ name }) => bound.get(name.vm) === name.launch)
  return Object.fromEntries([...bound, ...addressesOf(ours, nodes)])
}

/** An address that two Nodes claim is the one's that joined first. */
function addressesOf(ours: readonly VmNode[], all: readonly VmNode[]): [string, string][] {
  const owners = new Map<string, V1Node>()
  for (const { node } of all.toReversed()) {
    const address = nodeAddress(node)
    if (address !== null) owners.set(address, node)
  }
  return ours.flatMap(({ node }) => {
    const address = nodeAddress(node)
    const name = node.metadata?.name
    return name && address !== null && owners.get(address) === node
      ? [[name, address] as [string, string]]
      : []
  })
}

/** What is to be forgotten is null. */
export type BindingsPatch = Readonly<Record<string, string | null>>

/** Null when nothing changes. */
export function bindingsPatch(current: Bindings, next: Bindings): BindingsPatch | null {
  const gone = Object.keys(current).filter(key => !(key in next))
  const changed = Object.entries(next).filter(([key, value]) => current[key] !== value)
  if (gone.length + changed.length === 0) return null
  return Object.fromEntries([...gone.map(key => [key, null]), ...changed])
}

/** True for none, too. */
export function isOurs(service: V1Service | undefined): boolean {
  return service === undefined || service.metadata?.labels?.[MESH_LABEL.vm] === service.metadata?.name
}

/** JSON as the API server sends it: times are texts, whatever their type says. */
function joinedAt({ metadata }: V1Node): string {
  return String(metadata?.creationTimestamp ?? '')
}

function compareNames(a: V1Node, b: V1Node): number {
  return (a.metadata?.name ?? '').localeCompare(b.metadata?.name ?? '')
}
