import { MESH } from '../../mesh-names.ts'
import { ANYWHERE, overlaps } from './cidr.ts'
import { securityGroups } from './firewall.ts'
import type { Given } from './given.ts'
import { pairsOf } from './links.ts'
import { parsePlanOptions } from './options.ts'
import { MESH_PLAN_SCHEMA, type MeshPlan, type Peering, type PlannedRegion, type Route } from './schema.ts'
import { decideTopology, type Topology } from './topology.ts'

/**
 * The hub-and-spoke network of a mesh: AWS regions on a private network, peered with the main region alone, and
 * everything else by tunnels between public addresses. Pure: nothing is asked of a cloud, and nothing is made there.
 * @throws InputError for what is not allowed, and for connections that this network does not have
 */
export function planMesh(given: Given): MeshPlan {
  const topology = decideTopology(parsePlanOptions(given))
  const { sshFrom, main, reserved, regions, vms, connections } = topology
  const peerings = peer(main, regions)
  const pairs = pairsOf(regions)
  return {
    schema: MESH_PLAN_SCHEMA,
    main,
    reserved,
    regions,
    vms,
    peerings,
    routes: regions.flatMap(region => routesOf(region, regions, peerings)),
    securityGroups: securityGroups(regions, sshFrom),
    pairs,
    connections,
    notes: notes(topology),
  }
}

function peer(main: string, regions: readonly PlannedRegion[]): readonly Peering[] {
  return regions
    .filter(({ network }) => network === 'peered')
    .map(({ name, region }) => ({ name: `lmrun-${region}`, requester: main, accepter: name }))
}

/** One route table a VPC. A peering that a table does not name carries nothing. */
function routesOf(
  { name, cidr, network }: PlannedRegion,
  regions: readonly PlannedRegion[],
  peerings: readonly Peering[],
): readonly Route[] {
  if (cidr === null) return []
  const neighbours = peerings.flatMap((peering): Route[] => {
    if (network !== 'main' && peering.accepter !== name) return []
    const other = network === 'main' ? peering.accepter : peering.requester
    const destination = regions.find(region => region.name === other)?.cidr
    return destination ? [{ region: name, destination, target: peering.name }] : []
  })
  return [
    { region: name, destination: cidr, target: 'local' },
    ...neighbours,
    { region: name, destination: ANYWHERE, target: 'internet' },
  ]
}

function notes({ regions, reserved, sshFrom }: Topology): readonly string[] {
  const peered = regions.filter(({ network }) => network === 'peered').length
  const outside = regions.filter(({ network }) => network === 'public').map(({ name }) => name)
  const inK3s = reserved.filter(
    ({ cidr, why }) => why === 'taken' && [MESH.podCidr, MESH.serviceCidr].some(own => overlaps(own, cidr)),
  )
  return [
    'This is a plan: nothing was made.',
    ...(peered > 1
      ? [
          'VMs of two regions that are only peered do not reach each other: clients and middleware belong in the main region.',
        ]
      : []),
    ...(outside.length > 0
      ? [
          `UDP ${MESH.wireguardPort} must be open on the public addresses of ${outside.join(', ')}, in the firewall of the cloud. For them, it and TCP ${MESH.apiPort} are open to everybody on the main node.`,
        ]
      : []),
    ...(sshFrom.includes(ANYWHERE)
      ? ['ssh is open to everybody, by key: give --ssh-from when it is known where the runner is.']
      : []),
    ...inK3s.map(
      ({ cidr }) =>
        `${cidr} is taken and holds addresses that K3s gives to pods or services: VMs of the mesh cannot reach those there.`,
    ),
  ]
}
