import type { V1EndpointSlice, V1Service } from '@kubernetes/client-node'
import { LABEL } from '../../labels.ts'
import { MESH, MESH_LABEL, readNodeName } from '../../mesh-names.ts'
import { HEADLESS } from '../publish/slice.ts'
import type { Bindings, VmNode } from './bindings.ts'

type Services = ReadonlyMap<string, V1Service>

/**
 * The Services that there have to be: one for each VM name that is bound and publishes something. Owned by nobody, so
 * that one keeps its address while its VM is replaced.
 */
export function wantedServices(
  bindings: Bindings,
  nodes: readonly VmNode[],
  slices: Iterable<V1EndpointSlice>,
): V1Service[] {
  const ofVm = new Map<string, V1EndpointSlice[]>()
  for (const slice of slices) {
    const name = readNodeName(slice.metadata?.name ?? '')
    if (name && bindings[name.vm] === name.launch) ofVm.set(name.vm, [...(ofVm.get(name.vm) ?? []), slice])
  }
  return [...ofVm].map(([vm, its]) => serviceOf(vm, its, labelsOf(vm, bindings[vm], nodes)))
}

function serviceOf(
  vm: string,
  slices: readonly V1EndpointSlice[],
  labels: Readonly<Record<string, string>>,
): V1Service {
  const headless = slices.some(({ metadata }) => metadata?.labels?.[HEADLESS] === 'true')
  // All ranks publish the same; while they do not, what the first says of a port holds.
  const ports = new Map(
    slices
      .flatMap(slice => slice.ports ?? [])
      .toReversed()
      .flatMap(({ name, port }) => (port === undefined ? [] : [[port, name] as const])),
  )
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: vm, namespace: MESH.namespace, labels: { ...labels, [MESH_LABEL.vm]: vm } },
    spec: {
      ...(headless ? { clusterIP: 'None' } : {}),
      ports: [...ports].map(([port, name]) => ({
        ...(name ? { name } : {}),
        port,
        targetPort: port,
        protocol: 'TCP',
      })),
    },
  }
}

/** Whose the VM is, as a Node of the launch that has the name says it. */
function labelsOf(vm: string, launch: string | undefined, nodes: readonly VmNode[]): Record<string, string> {
  const of = nodes.find(({ name }) => name.vm === vm && name.launch === launch)
  const labels = of?.node.metadata?.labels ?? {}
  const ours: readonly string[] = Object.values(LABEL)
  return Object.fromEntries(Object.entries(labels).filter(([key]) => ours.includes(key)))
}

export type ServiceChange = 'none' | 'apply' | 'replace'

/** A Service cannot turn headless, nor back: it is made anew. */
export function serviceChange(there: V1Service | undefined, wanted: V1Service): ServiceChange {
  if (!there) return 'apply'
  if ((there.spec?.clusterIP === 'None') !== (wanted.spec?.clusterIP === 'None')) return 'replace'
  return JSON.stringify(essence(there)) === JSON.stringify(essence(wanted)) ? 'none' : 'apply'
}

function essence({ metadata, spec }: V1Service) {
  const keys = [...Object.values(LABEL), MESH_LABEL.vm]
  const ports = (spec?.ports ?? []).map(({ name, port, targetPort }) => [port, name ?? null, targetPort])
  return { ports: ports.sort(), labels: keys.map(key => metadata?.labels?.[key] ?? null) }
}

export interface Unused {
  readonly services: Services
  readonly nodes: readonly VmNode[]
  /** Milliseconds. */
  readonly now: number
  readonly graceMs: number
  /** When a VM's last Node was seen to be gone, by VM name. */
  readonly goneSince: ReadonlyMap<string, number>
}

/** Ours, without a Node since a grace, and not of a run that may still replace its VM. */
export function unusedServices({ services, nodes, now, graceMs, goneSince }: Unused): V1Service[] {
  const alive = new Set(nodes.map(({ name }) => name.vm))
  return [...services.values()].filter(({ metadata }) => {
    const vm = metadata?.name
    if (!vm || metadata?.labels?.[MESH_LABEL.vm] !== vm || alive.has(vm)) return false
    const expiry = Number(metadata.labels[LABEL.expiry] ?? 0) * 1000
    return now >= expiry && now - (goneSince.get(vm) ?? now) >= graceMs
  })
}
