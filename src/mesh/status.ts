import type { V1ConfigMap, V1EndpointSlice, V1Node, V1Service } from '@kubernetes/client-node'
import { LABEL } from '../labels.ts'
import type { MainInfo } from '../mesh-join.ts'
import { MESH_LABEL, readNodeName, serviceHost } from '../mesh-names.ts'
import { kubeletOf, nodeAddress } from '../mesh-nodes.ts'

/** A mesh as it is now: what `lmrun mesh status` shows. */
export interface MeshStatus {
  readonly main: MainInfo
  /** Main first, the rest by name. */
  readonly nodes: readonly NodeStatus[]
  /** By name. */
  readonly services: readonly ServiceStatus[]
}

export interface NodeStatus {
  /** `qwen-coder-4f7k2.0.x8d3a` */
  readonly name: string
  /** VM name; null for a Node that is no VM's. */
  readonly vm: string | null
  readonly role: 'main' | 'vm'
  readonly cloud: string | null
  readonly region: string | null
  /** In the mesh; null until it has one. */
  readonly address: string | null
  /** As others reach the machine itself: its public address, else the one in its own network. */
  readonly outside: string | null
  /** What its kubelet says; `silent`: nothing for a while. */
  readonly kubelet: 'ready' | 'notReady' | 'silent' | null
  /** Milliseconds. */
  readonly age: number
  /** Milliseconds since its agent's last beat, by two machines' clocks; null without an agent. */
  readonly beatAge: number | null
  /** Whose it is: workflow run id or `local-<short>`; null for main, and for VMs that joined by hand. */
  readonly run: string | null
}

export interface ServiceStatus {
  readonly name: string
  /** `qwen-coder.default.svc.cluster.local` */
  readonly host: string
  /** Null for a headless one. */
  readonly clusterIp: string | null
  readonly ports: readonly number[]
  /** Its VMs' Nodes: all, and those that are ready. */
  readonly nodes: readonly string[]
  readonly ready: readonly string[]
  /** Milliseconds. */
  readonly age: number
}

/** What the API server has of a mesh. */
export interface MeshObjects {
  readonly main: MainInfo
  readonly nodes: readonly V1Node[]
  readonly services: readonly V1Service[]
  readonly slices: readonly V1EndpointSlice[]
  /** ConfigMaps of agents, with their Nodes' names. */
  readonly beats: readonly V1ConfigMap[]
}

/** Pure. @param now Unix milliseconds */
export function meshStatus({ main, nodes, services, slices, beats }: MeshObjects, now: number): MeshStatus {
  const beatOf = new Map(beats.map(({ metadata, data }) => [metadata?.name ?? '', data?.beat ?? '']))
  const all = nodes.map(node => nodeStatus(node, { main, beat: beatOf.get(node.metadata?.name ?? ''), now }))
  return {
    main,
    nodes: all.toSorted(
      (a, b) => Number(b.role === 'main') - Number(a.role === 'main') || a.name.localeCompare(b.name),
    ),
    services: services
      .map(service => serviceStatus(service, slices, now))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  }
}

interface Beside {
  readonly main: MainInfo
  readonly beat: string | undefined
  readonly now: number
}

function nodeStatus(node: V1Node, { main, beat, now }: Beside): NodeStatus {
  const { name = '', labels = {} } = node.metadata ?? {}
  const isMain = labels[MESH_LABEL.role] === 'main'
  const told = isMain ? main : { cloud: null, region: null }
  const at = Date.parse(beat ?? '')
  return {
    name,
    vm: readNodeName(name)?.vm ?? null,
    role: isMain ? 'main' : 'vm',
    cloud: labels[MESH_LABEL.cloud] ?? told.cloud,
    region: labels[MESH_LABEL.region] ?? told.region,
    address: nodeAddress(node),
    outside: addressOf(node, 'ExternalIP') ?? addressOf(node, 'InternalIP'),
    kubelet: kubeletOf(node),
    age: ageOf(node, now),
    beatAge: Number.isNaN(at) ? null : Math.max(0, now - at),
    run: labels[LABEL.run] ?? null,
  }
}

function serviceStatus(service: V1Service, slices: readonly V1EndpointSlice[], now: number): ServiceStatus {
  const name = service.metadata?.name ?? ''
  const own = slices.filter(({ metadata }) => metadata?.labels?.[MESH_LABEL.service] === name)
  const endpoints = own.flatMap(slice => slice.endpoints ?? [])
  const nodesOf = (some: typeof endpoints) => some.map(({ nodeName }) => nodeName ?? '').toSorted()
  const { clusterIP, ports = [] } = service.spec ?? {}
  return {
    name,
    host: serviceHost(name),
    clusterIp: clusterIP && clusterIP !== 'None' ? clusterIP : null,
    ports: ports.map(({ port }) => port),
    nodes: nodesOf(endpoints),
    ready: nodesOf(endpoints.filter(({ conditions }) => conditions?.ready === true)),
    age: ageOf(service, now),
  }
}

function addressOf({ status }: V1Node, type: string): string | null {
  return status?.addresses?.find(one => one.type === type)?.address ?? null
}

/** Two machines' clocks may differ by a little: nothing is younger than now. */
function ageOf({ metadata }: { readonly metadata?: V1Node['metadata'] }, now: number): number {
  return Math.max(0, now - (metadata?.creationTimestamp?.getTime() ?? now))
}
