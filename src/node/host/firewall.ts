import { MESH } from '../../mesh-names.ts'
import type { HostRequest } from '../types.ts'

/**
 * What may come in, in the words of nftables and of iptables: from outside ssh, WireGuard and on main the API server;
 * from the mesh what is published, and kubelet's. What this VM began itself is answered, and what does not come from
 * outside or from the mesh (containers, loopback) is none of our business.
 */
export type FirewallRules = Pick<HostRequest, 'role' | 'interface' | 'ports' | 'peers'>

/** Flannel's interfaces, in both of its ways. */
const MESH_INTERFACES = ['flannel-wg', 'flannel-wg-v6', 'flannel.1']
const KUBELET = 10250
export const TABLE = 'lmrun'
/** Where main answers VMs that ask whether large packets arrive: src/node/host/path-check.ts. */
export const CHECK_PORT = 10244

/** A script for `nft -f`: one transaction, the same however often it is run. IPv4 and IPv6. */
export function nftScript({ role, interface: outside, ports, peers }: FirewallRules): string {
  const open = openPorts({ role, ports })
  const [v4, v6] = [peers.filter(ip => !ip.includes(':')), peers.filter(ip => ip.includes(':'))]
  return `table inet ${TABLE}
delete table inet ${TABLE}
table inet ${TABLE} {
  chain outside {
    meta l4proto { icmp, ipv6-icmp } accept
    udp sport { 67, 547 } udp dport { 68, 546 } accept
${v4.length > 0 ? `    ip saddr { ${v4.join(', ')} } accept\n` : ''}${v6.length > 0 ? `    ip6 saddr { ${v6.join(', ')} } accept\n` : ''}    tcp dport { ${open.outsideTcp.join(', ')} } accept
    udp dport { ${open.outsideUdp.join(', ')} } accept
    drop
  }
  chain mesh {
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport { ${open.mesh.join(', ')} } accept
    drop
  }
  chain input {
    type filter hook input priority -10; policy accept;
    ct state established,related accept
    iifname "${outside}" jump outside
    iifname { ${MESH_INTERFACES.map(name => `"${name}"`).join(', ')} } jump mesh
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ct state established,related accept
    iifname { ${MESH_INTERFACES.map(name => `"${name}"`).join(', ')} } meta l4proto { tcp, udp } th dport 53 accept
${ports.length > 0 ? `    iifname { ${MESH_INTERFACES.map(name => `"${name}"`).join(', ')} } meta l4proto tcp ct original proto-dst { ${ports.join(', ')} } accept\n` : ''}    iifname { ${[outside, ...MESH_INTERFACES].map(name => `"${name}"`).join(', ')} } ct state new drop
  }
}
`
}

/** Input for `iptables-restore --noflush` of one family: chains of our own, filled anew. */
export function iptablesScript(rules: FirewallRules, family: 4 | 6): string {
  const { role, interface: outside, ports } = rules
  const open = openPorts({ role, ports })
  const peers = rules.peers.filter(ip => ip.includes(':') === (family === 6))
  const icmp = family === 4 ? 'icmp' : 'ipv6-icmp'
  const dhcp = family === 4 ? '--sport 67 --dport 68' : '--sport 547 --dport 546'
  const lines = [
    '*filter',
    ...[CHAIN.input, CHAIN.outside, CHAIN.mesh, CHAIN.forward].map(name => `:${name} - [0:0]`),
    `-A ${CHAIN.outside} -p ${icmp} -j ACCEPT`,
    `-A ${CHAIN.outside} -p udp ${dhcp} -j ACCEPT`,
    ...peers.map(ip => `-A ${CHAIN.outside} -s ${ip} -j ACCEPT`),
    ...open.outsideTcp.map(port => `-A ${CHAIN.outside} -p tcp --dport ${port} -j ACCEPT`),
    ...open.outsideUdp.map(port => `-A ${CHAIN.outside} -p udp --dport ${port} -j ACCEPT`),
    `-A ${CHAIN.outside} -j DROP`,
    `-A ${CHAIN.mesh} -p ${icmp} -j ACCEPT`,
    ...open.mesh.map(port => `-A ${CHAIN.mesh} -p tcp --dport ${port} -j ACCEPT`),
    `-A ${CHAIN.mesh} -j DROP`,
    `-A ${CHAIN.input} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,
    `-A ${CHAIN.input} -i ${outside} -j ${CHAIN.outside}`,
    ...MESH_INTERFACES.map(name => `-A ${CHAIN.input} -i ${name} -j ${CHAIN.mesh}`),
    `-A ${CHAIN.forward} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN`,
    ...MESH_INTERFACES.flatMap(name => [
      `-A ${CHAIN.forward} -i ${name} -p udp --dport 53 -j RETURN`,
      `-A ${CHAIN.forward} -i ${name} -p tcp --dport 53 -j RETURN`,
      ...ports.map(
        port => `-A ${CHAIN.forward} -i ${name} -p tcp -m conntrack --ctorigdstport ${port} -j RETURN`,
      ),
    ]),
    ...[outside, ...MESH_INTERFACES].map(
      name => `-A ${CHAIN.forward} -i ${name} -m conntrack --ctstate NEW -j DROP`,
    ),
    'COMMIT',
  ]
  return `${lines.join('\n')}\n`
}

export const CHAIN = {
  input: 'LMRUN-INPUT',
  outside: 'LMRUN-OUTSIDE',
  mesh: 'LMRUN-MESH',
  forward: 'LMRUN-FORWARD',
} as const

function openPorts({ role, ports }: Pick<FirewallRules, 'role' | 'ports'>) {
  const main = role === 'server'
  return {
    outsideTcp: [22, ...(main ? [MESH.apiPort] : [])],
    // The second one is flannel's for IPv6.
    outsideUdp: [MESH.wireguardPort, MESH.wireguardPort + 1],
    mesh: [KUBELET, ...(main ? [CHECK_PORT] : []), ...ports],
  }
}
