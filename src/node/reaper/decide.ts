import type { V1ConfigMap, V1EndpointSlice, V1Node, V1Service } from '@kubernetes/client-node'
import { MESH_LABEL } from '../../mesh-names.ts'
import {
  type Bindings,
  type BindingsPatch,
  bindingsPatch,
  isOurs,
  nextBindings,
  type VmNode,
  vmNodes,
} from './bindings.ts'
import { type Beat, hasReadyEndpoint, judge, type Verdict } from './judge.ts'
import { serviceChange, unusedServices, wantedServices } from './services.ts'

/** What main sees, by name. */
export interface World {
  readonly nodes: ReadonlyMap<string, V1Node>
  readonly services: ReadonlyMap<string, V1Service>
  readonly slices: ReadonlyMap<string, V1EndpointSlice>
  readonly bindings: V1ConfigMap | undefined
  readonly beatOf: (node: string) => Beat
  /** Milliseconds. */
  readonly now: number
}

/** Since when: of Nodes that are dead, by uid, and of VM names without any Node. */
export interface Memory {
  readonly dead: ReadonlyMap<string, number>
  readonly gone: ReadonlyMap<string, number>
}

export const NOTHING: Memory = { dead: new Map(), gone: new Map() }

export type Action =
  | { readonly do: 'bind'; readonly patch: BindingsPatch; readonly resourceVersion: string | null }
  | { readonly do: 'apply' | 'replace' | 'drop'; readonly service: V1Service }
  | { readonly do: 'unready'; readonly slice: V1EndpointSlice }
  | { readonly do: 'delete'; readonly node: V1Node }

/** All that is to be done now, and what to remember until the next time. */
export function decide(
  world: World,
  memory: Memory,
  graceMs: number,
): { readonly actions: readonly Action[]; readonly memory: Memory } {
  const nodes = vmNodes(world.nodes.values())
  const verdicts = new Map(nodes.map(({ node }) => [nameOf(node), judge(node, world.beatOf(nameOf(node)))]))
  const next = remember(world, { nodes, verdicts }, memory)
  const current = world.bindings?.data ?? {}
  const bindings = nextBindings(current, nodes, world.services)
  const unused = unusedServices({ ...world, nodes, graceMs, goneSince: next.gone })
  const actions: Action[] = [
    ...bind(world, bindingsPatch(current, bindings)),
    ...unready(world, verdicts),
    ...serve(world, nodes, bindings),
    ...unused.map(service => ({ do: 'drop' as const, service })),
    ...nodes
      .filter(({ node }) => isOver(node, next.dead, world.now - graceMs))
      .map(({ node }) => ({ do: 'delete' as const, node })),
  ]
  return { actions, memory: next }
}

interface Judged {
  readonly nodes: readonly VmNode[]
  readonly verdicts: ReadonlyMap<string, Verdict>
}

/** Who is seen dead for the first time is so from now on; who is not, is forgotten. */
function remember({ services, now }: World, { nodes, verdicts }: Judged, memory: Memory): Memory {
  const dead = nodes
    .filter(({ node }) => verdicts.get(nameOf(node)) === 'dead')
    .map(({ node }) => uidOf(node))
  const vms = new Set(nodes.map(({ name }) => name.vm))
  const gone = [...services.keys()].filter(name => !vms.has(name))
  return {
    dead: new Map(dead.map(uid => [uid, memory.dead.get(uid) ?? now])),
    gone: new Map(gone.map(vm => [vm, memory.gone.get(vm) ?? now])),
  }
}

function bind({ bindings }: World, patch: BindingsPatch | null): Action[] {
  // Nobody can publish without it: it is made when it is not there, with whatever there is to be written.
  const missing = bindings === undefined && patch === null
  const resourceVersion = bindings?.metadata?.resourceVersion ?? null
  return patch || missing ? [{ do: 'bind', patch: patch ?? {}, resourceVersion }] : []
}

function unready({ slices }: World, verdicts: ReadonlyMap<string, Verdict>): Action[] {
  return [...slices.values()]
    .filter(slice => (verdicts.get(nameOf(slice)) ?? 'well') !== 'well' && hasReadyEndpoint(slice))
    .map(slice => ({ do: 'unready', slice }))
}

/** By the bindings as they will be: a Node that has just gone wants no Service any more. */
function serve({ services, slices }: World, nodes: readonly VmNode[], bindings: Bindings): Action[] {
  return wantedServices(bindings, nodes, slices.values()).flatMap(service => {
    const there = services.get(nameOf(service))
    const change = isOurs(there) ? serviceChange(there, service) : 'none'
    return change === 'none' ? [] : [{ do: change, service }]
  })
}

/** Main's own Node stays: who would make it again? */
function isOver(node: V1Node, dead: ReadonlyMap<string, number>, before: number): boolean {
  const since = dead.get(uidOf(node))
  return since !== undefined && since <= before && node.metadata?.labels?.[MESH_LABEL.role] !== 'main'
}

function nameOf({ metadata }: V1Node | V1EndpointSlice | V1Service): string {
  return metadata?.name ?? ''
}

function uidOf({ metadata }: V1Node): string {
  return metadata?.uid ?? ''
}
