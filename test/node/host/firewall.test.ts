import { expect, it } from 'vitest'
import { type FirewallRules, iptablesScript, nftScript } from '../../../src/node/host/firewall.ts'

const agent: FirewallRules = { role: 'agent', interface: 'ens5', ports: [8000, 9000], peers: ['10.0.0.7'] }
const server: FirewallRules = { role: 'server', interface: 'ens5', ports: [], peers: [] }

it('opens ssh and WireGuard to the outside, and the API server on main alone', () => {
  expect(nftScript(agent)).toContain(
    '    tcp dport { 22 } accept\n    udp dport { 51820, 51821 } accept\n    drop',
  )
  expect(nftScript(server)).toContain('    tcp dport { 22, 6443 } accept\n')
})

it('opens what is published, and kubelet, to the mesh', () => {
  expect(nftScript(agent)).toContain('    tcp dport { 10250, 8000, 9000 } accept\n    drop')
  expect(nftScript(server)).not.toContain('8000')
})

it('lets the nodes of one VM talk', () => {
  expect(nftScript(agent)).toContain('ip saddr { 10.0.0.7 } accept')
  expect(nftScript(server)).not.toContain('saddr')
  expect(iptablesScript({ ...agent, peers: ['fd00::1'] }, 4)).not.toContain('fd00::1')
  expect(iptablesScript({ ...agent, peers: ['fd00::1'] }, 6)).toContain(
    '-A LMRUN-OUTSIDE -s fd00::1 -j ACCEPT',
  )
})
