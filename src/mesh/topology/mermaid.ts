import type { MeshPlan, PlannedRegion } from './schema.ts'

/**
 * A plan as a Mermaid flowchart: solid lines are peerings, the dashed one stands for all tunnels, so that a plan of
 * many regions stays below the number of lines that Mermaid draws. Names have no sign that means something to Mermaid:
 * options.ts lets none in. Pure.
 */
export function planMermaid({ regions, peerings, vms }: MeshPlan): string {
  const id = (name: string) => `r${regions.findIndex(region => region.name === name)}`
  const node = (region: PlannedRegion) => {
    const here = vms.filter(vm => vm.region === region.name).map(({ name }) => name)
    const lines = [
      region.network === 'main' ? `${region.name}, main` : region.name,
      ...(region.cidr === null ? [] : [region.cidr]),
      ...(here.length > 0 ? [here.join(', ')] : []),
    ]
    return `    ${id(region.name)}["${lines.join('<br/>')}"]`
  }
  const own = regions.filter(({ cidr }) => cidr !== null)
  const outside = regions.filter(({ cidr }) => cidr === null)
  const lines = [
    'flowchart TB',
    ...group('private', 'private network on AWS', own.map(node)),
    ...group('public', 'public addresses', outside.map(node)),
    ...peerings.map(({ requester, accepter }) => `  ${id(requester)} ---|peering| ${id(accepter)}`),
    ...(outside.length > 0 ? ['  private -.-|WireGuard| public'] : []),
  ]
  return `${lines.join('\n')}\n`
}

function group(id: string, title: string, nodes: readonly string[]): readonly string[] {
  return nodes.length === 0 ? [] : [`  subgraph ${id} ["${title}"]`, ...nodes, '  end']
}
