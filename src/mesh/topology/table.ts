import { columns } from '../../columns.ts'
import type { Link, MeshPlan, Rule } from './schema.ts'

/** A plan as a terminal shows it. Pure. */
export function planTable(plan: MeshPlan): string {
  const sections = [
    regions(plan),
    subnets(plan),
    peerings(plan),
    routes(plan),
    groups(plan),
    pairs(plan),
    connections(plan),
    plan.notes.map(note => `${note}\n`).join(''),
  ]
  return sections.filter(section => section !== '').join('\n')
}

function regions({ regions, vms }: MeshPlan): string {
  const rows = regions.map(({ name, network, cidr }) => [
    name,
    network,
    cidr ?? '—',
    vms
      .filter(({ region }) => region === name)
      .map(vm => vm.name)
      .join(', '),
  ])
  return columns([['REGION', 'NETWORK', 'VPC', vms.length > 0 ? 'VMS' : ''], ...rows])
}

function subnets({ regions }: MeshPlan): string {
  const rows = regions.flatMap(({ subnets }) => subnets.map(({ zone, cidr }) => [zone, cidr]))
  return columns([['ZONE', 'SUBNET'], ...rows])
}

function peerings({ peerings }: MeshPlan): string {
  if (peerings.length === 0) return ''
  const rows = peerings.map(({ name, requester, accepter }) => [name, requester, accepter])
  return columns([['PEERING', 'FROM', 'TO'], ...rows])
}

function routes({ routes }: MeshPlan): string {
  const rows = routes.map(({ region, destination, target }) => [region, destination, target])
  return columns([['ROUTES OF', 'DESTINATION', 'TARGET'], ...rows])
}

function groups({ securityGroups }: MeshPlan): string {
  const rows = securityGroups.flatMap(({ name, region, on, rules }) =>
    rules.map((rule, index) => [
      ...(index === 0 ? [`${name} (${on})`, region] : ['', '']),
      port(rule),
      rule.from,
      rule.why,
    ]),
  )
  return columns([['SECURITY GROUP', 'REGION', 'OPEN', 'TO', 'WHY'], ...rows])
}

function port({ protocol, port }: Rule): string {
  return port === null ? protocol : `${protocol} ${port}`
}

const LINKS: Readonly<Record<Link, string>> = { direct: 'direct', tunnel: 'tunnel', none: '—' }

/** A matrix: the number of a column is that of the row's region. */
function pairs({ regions, pairs }: MeshPlan): string {
  const numbers = regions.map((_, index) => String(index + 1))
  const rows = regions.map(({ name: row }, index) => [
    `${index + 1} ${row}`,
    ...regions.map(({ name: column }) => {
      const found = pairs.find(
        ({ between: [a, b] }) => (a === row && b === column) || (a === column && b === row),
      )
      return found ? LINKS[found.link] : ''
    }),
  ])
  return columns([['TWO VMS IN', ...numbers], ...rows])
}

function connections({ connections }: MeshPlan): string {
  if (connections.length === 0) return ''
  const rows = connections.map(({ between, link, why }) => [between.join(' and '), link, why])
  return columns([['CONNECTION', 'LINK', 'WHY'], ...rows])
}
