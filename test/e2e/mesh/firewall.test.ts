import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FirewallRules, iptablesScript, nftScript } from '../../../src/node/host/firewall.ts'

/** The kernel's own word on the rules, in network namespaces that go with their command. */
const run = promisify(execFile)
const agent: FirewallRules = { role: 'agent', interface: 'ens5', ports: [8000, 9000], peers: ['10.0.0.7'] }
const server: FirewallRules = { role: 'server', interface: 'ens5', ports: [], peers: [] }

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-firewall-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Loads twice and compares: what is there stays as it is. @returns the rules */
async function twice(load: string, save: string): Promise<string> {
  const script = `set -e; ${load}; ${save} > one; ${load}; ${save} > two; cmp one two; cat two`
  return (await run('unshare', ['--net', 'sh', '-c', script], { cwd: folder })).stdout
}

it.each([agent, server])('nft takes them for an $role', async rules => {
  await writeFile(path.join(folder, 'rules.nft'), nftScript(rules))
  const ruleset = await twice('nft -f rules.nft', 'nft list ruleset')
  expect(ruleset).toContain('iifname "ens5" jump outside')
  expect(ruleset.includes('6443')).toBe(rules.role === 'server')
})

it.each([
  ['iptables', 4],
  ['ip6tables', 6],
] as const)('%s takes them', async (tool, family) => {
  await writeFile(path.join(folder, 'rules'), iptablesScript(agent, family))
  const rules = await twice(`${tool}-restore --noflush < rules`, `${tool}-save | grep -v '^#'`)
  expect(rules).toContain('-A LMRUN-INPUT -i ens5 -j LMRUN-OUTSIDE')
  expect(rules).toContain('-A LMRUN-MESH -p tcp -m tcp --dport 8000 -j ACCEPT')
})

/** Two machines on one wire: the inner one has the rules, and something that listens on every port asked for. */
it.each([
  ['nft', 'nft -f rules'],
  ['iptables', 'iptables-restore --noflush < rules && iptables -I INPUT -j LMRUN-INPUT'],
])('%s lets in from outside and from the mesh what it should, and nothing else', async (tool, load) => {
  const rules: FirewallRules = { role: 'agent', interface: 'out0', ports: [8000], peers: [] }
  await writeFile(path.join(folder, 'rules'), tool === 'nft' ? nftScript(rules) : iptablesScript(rules, 4))
  await writeFile(path.join(folder, 'ports.py'), LISTEN)
  const { stdout } = await run('unshare', ['--net', '--mount', 'sh', '-c', wires(load)], { cwd: folder })
  expect(stdout.trim().split('\n')).toEqual([
    ...['out0 22 open', 'out0 8000 shut', 'out0 9000 shut', 'out0 10250 shut', 'out0 6443 shut'],
    ...['flannel.1 22 shut', 'flannel.1 8000 open', 'flannel.1 9000 shut', 'flannel.1 10250 open'],
    ...['flannel.1 6443 shut', 'lo 9000 open'],
  ])
})

const LISTEN = `import socket, sys, time
kept = []
for port in (22, 6443, 8000, 9000, 10250):
    one = socket.create_server(("0.0.0.0", port))
    kept.append(one)
print("ready", flush=True)
time.sleep(300)
`

function wires(load: string): string {
  const look = (wire: string, address: string, port: number) =>
    `python3 -c 'import socket; socket.create_connection(("${address}", ${port}), 1)' 2> /dev/null && echo ${wire} ${port} open || echo ${wire} ${port} shut`
  const inside = (command: string) => `nsenter --net=/proc/$inner/ns/net sh -c '${command}'`
  return `set -e
unshare --net sleep 300 & inner=$!
while [ "$(readlink /proc/$inner/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
end() { kill $inner $listen 2> /dev/null || true; }
trap end EXIT
for wire in out0:192.0.2 flannel.1:198.51.100; do
  name=\${wire%%:*}; net=\${wire#*:}
  ip link add a-$name type veth peer name $name netns $inner
  ip addr add $net.1/24 dev a-$name; ip link set a-$name up
  nsenter --net=/proc/$inner/ns/net ip addr add $net.2/24 dev $name
  nsenter --net=/proc/$inner/ns/net ip link set $name up
done
${inside('ip link set lo up')}
nsenter --net=/proc/$inner/ns/net python3 ports.py > ready & listen=$!
while ! grep -q ready ready; do sleep 0.05; done
${inside(load)}
set +e
${[22, 8000, 9000, 10250, 6443].map(port => look('out0', '192.0.2.2', port)).join('\n')}
${[22, 8000, 9000, 10250, 6443].map(port => look('flannel.1', '198.51.100.2', port)).join('\n')}
nsenter --net=/proc/$inner/ns/net ${look('lo', '127.0.0.1', 9000)}
`
}
