import { columns } from '../columns.ts'
import type { MeshStatus, NodeStatus, ServiceStatus } from '../mesh/status.ts'
import { mermaid, oneLine } from '../report/escape.ts'
import { duration } from '../report/numbers.ts'

/** A mesh as a terminal shows it. Pure. */
export function statusTable({ main, nodes, services }: MeshStatus): string {
  const address = `${main.publicIp ?? main.privateIp ?? 'no address'}:${main.port}`
  const head = `Mesh ${oneLine(main.mesh)}: ${[place(main), address].filter(Boolean).join(', ')}\n`
  const heading = ['NODE', 'STATE', 'PLACE', 'IN THE MESH', 'OUTSIDE', 'AGE', 'LAST BEAT', 'RUN']
  const rows = nodes.map(node => [
    node.role === 'main' ? `${node.name} (main)` : node.name,
    STATES[node.kubelet ?? 'unheard'],
    place(node) || '—',
    node.address ?? '—',
    node.outside ?? '—',
    duration(node.age),
    node.beatAge === null ? '—' : `${duration(node.beatAge)} ago`,
    node.run ?? '—',
  ])
  return [head, columns([heading, ...rows]), servicesTable(services)].join('\n')
}

function servicesTable(services: readonly ServiceStatus[]): string {
  if (services.length === 0) return 'No VM publishes a service.\n'
  const rows = services.map(service => [
    service.ports.map(port => `http://${service.host}:${port}`).join(' ') || service.host,
    `${service.ready.length} of ${service.nodes.length}`,
    service.clusterIp ?? 'headless',
    duration(service.age),
  ])
  return columns([['SERVICE', 'READY', 'ADDRESS', 'AGE'], ...rows])
}

const STATES = {
  ready: 'ready',
  notReady: 'not ready',
  silent: 'silent',
  unheard: 'joining',
} as const

function place({ cloud, region }: Pick<NodeStatus, 'cloud' | 'region'>): string {
  return [cloud, region].flatMap(part => (part ? [oneLine(part)] : [])).join(' ')
}

/**
 * A mesh as a Mermaid flowchart: Nodes by the places where they are, each Service with arrows to its Nodes; solid
 * where ready, dashed where not. Pure.
 */
export function statusMermaid({ nodes, services }: MeshStatus): string {
  const id = (name: string) => `n${nodes.findIndex(node => node.name === name)}`
  const places = [...new Set(nodes.map(place))]
  const box = (node: NodeStatus) => {
    const state = [STATES[node.kubelet ?? 'unheard'], duration(node.age)].join(' · ')
    const lines = [node.name, ...[node.address, node.outside].filter(one => one !== null), state]
    const text = lines.map(mermaid).join('<br/>')
    return `    ${id(node.name)}${node.role === 'main' ? `(["${text}"])` : `["${text}"]`}`
  }
  const group = (where: string, index: number) => [
    `  subgraph p${index} ["${mermaid(where || 'somewhere')}"]`,
    ...nodes.filter(node => place(node) === where).map(box),
    '  end',
  ]
  const arrows = (service: ServiceStatus, index: number) => {
    const label = [service.name, service.ports.join(' · ')].filter(Boolean).map(mermaid).join('<br/>')
    const known = service.nodes.filter(name => nodes.some(node => node.name === name))
    return [
      `  s${index}{{"${label}"}}`,
      ...known.map(name => `  s${index} ${service.ready.includes(name) ? '-->' : '-.->'} ${id(name)}`),
    ]
  }
  return `${['flowchart LR', ...places.flatMap(group), ...services.flatMap(arrows)].join('\n')}\n`
}
