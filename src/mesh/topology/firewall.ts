import { MESH } from '../../mesh-names.ts'
import { ANYWHERE } from './cidr.ts'
import type { PlannedRegion, Rule, SecurityGroup } from './schema.ts'

/** Each VM has one of the two: SkyPilot gives a VM a single group. */
export const MAIN_GROUP = 'lmrun-main'
export const VM_GROUP = 'lmrun-vm'

const SSH = 22

/**
 * What may come in, and from where. What VMs say to each other in the mesh, published ports included, is inside
 * WireGuard, so that no port of a service is open here. Sources are ranges, not groups, because a group cannot be
 * named in another region. Pure.
 */
export function securityGroups(
  regions: readonly PlannedRegion[],
  sshFrom: readonly string[],
): readonly SecurityGroup[] {
  return regions.flatMap(region => [
    ...(region.network === 'main' ? [mainGroup(region, regions, sshFrom)] : []),
    vmGroup(region, regions, sshFrom),
  ])
}

function mainGroup(
  { name }: PlannedRegion,
  regions: readonly PlannedRegion[],
  sshFrom: readonly string[],
): SecurityGroup {
  // Addresses of VMs to come are not known; what protects these two ports from everybody is a token and a key.
  const sources = regions.some(({ network }) => network === 'public') ? [ANYWHERE] : vpcs(regions)
  return {
    name: MAIN_GROUP,
    region: name,
    on: 'the main node',
    rules: [
      ...ssh(sshFrom),
      ...sources.map(from => wireguard(from)),
      ...sources.map(
        (from): Rule => ({
          protocol: 'tcp',
          port: MESH.apiPort,
          from,
          why: 'Kubernetes API: nodes join and report',
        }),
      ),
    ],
  }
}

function vmGroup(
  region: PlannedRegion,
  regions: readonly PlannedRegion[],
  sshFrom: readonly string[],
): SecurityGroup {
  const rules = [...ssh(sshFrom), ...tunnelSources(region, regions).map(from => wireguard(from))]
  const among: Rule = {
    protocol: 'all',
    port: null,
    from: VM_GROUP,
    why: 'the nodes of a VM that has several',
  }
  const on = region.network === 'main' ? 'every other VM' : 'every VM'
  return {
    name: VM_GROUP,
    region: region.name,
    on,
    rules: region.cloud === 'aws' ? [...rules, among] : rules,
  }
}

/** A VM on the private network opens its tunnels to the outside itself: only its direct neighbours may begin one. */
function tunnelSources(region: PlannedRegion, regions: readonly PlannedRegion[]): readonly string[] {
  if (region.network === 'public') return [ANYWHERE]
  if (region.network === 'main') return vpcs(regions)
  return vpcs(regions.filter(({ name, network }) => network === 'main' || name === region.name))
}

function vpcs(regions: readonly PlannedRegion[]): readonly string[] {
  return regions.flatMap(({ cidr }) => (cidr === null ? [] : [cidr]))
}

function ssh(sources: readonly string[]): readonly Rule[] {
  return sources.map(from => ({
    protocol: 'tcp',
    port: SSH,
    from,
    why: 'ssh: SkyPilot and the runner, by key',
  }))
}

function wireguard(from: string): Rule {
  return { protocol: 'udp', port: MESH.wireguardPort, from, why: 'WireGuard: the mesh' }
}
