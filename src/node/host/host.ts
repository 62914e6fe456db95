import { execFile } from 'node:child_process'
import path from 'node:path'
import { LmrunError } from '../../errors.ts'
import { removeIfThere, writePlanned } from '../files.ts'
import { AT } from '../paths.ts'
import type { System } from '../system.ts'
import { retire, systemctl } from '../systemd.ts'
import type { Host, HostRequest, PlannedFile } from '../types.ts'
import { applyDocker, undoDocker } from './docker.ts'
import { CHAIN, type FirewallRules, iptablesScript, nftScript, TABLE } from './firewall.ts'
import { DROP_IN, DROP_IN_TEXT, hasResolved, writeNames } from './names.ts'

const UNIT = 'lmrun-firewall.service'
const RULES = '/etc/lmrun/firewall'

/** What a VM's own system is changed for. */
export function createHost(system: System): Host {
  return {
    apply: async request => [
      ...(await applyFirewall(system, request)),
      ...(await applyNames(system)),
      ...(await (request.containers ? applyDocker : undoDocker)(system)),
    ],
    undo: async () => [
      ...(await undoFirewall(system)),
      ...(await undoNames(system)),
      ...(await undoDocker(system)),
    ],
  }
}

type Tool = 'nft' | 'iptables'

/** At once, so that what is wrong with it is heard; the unit does the same at each boot. */
async function applyFirewall(system: System, request: HostRequest): Promise<string[]> {
  const tool = await findTool(system)
  const files = [
    ...rulesFiles(tool, request),
    { path: `${AT.units}/${UNIT}`, mode: 0o644, content: unit(tool) },
  ]
  const changed = await writePlanned(system.root, files)
  const [start, , look] = commands(tool)
  if (changed.length === 0 && (await attempt(system, look)) === null) return []
  for (const line of start) {
    const failure = await attempt(system, line)
    if (failure !== null) throw new LmrunError(`the firewall was not taken: ${line}: ${failure}`)
  }
  await systemctl(system, 'daemon-reload')
  await systemctl(system, 'enable', '--quiet', UNIT)
  return [`firewall (${tool}): from outside only ssh and the mesh; ${published(request)}`]
}

function published({ ports }: HostRequest): string {
  return ports.length > 0 ? `from the mesh port ${ports.join(', ')}` : 'from the mesh nothing of yours'
}

async function findTool(system: System): Promise<Tool> {
  for (const tool of ['nft', 'iptables'] as const)
    if ((await attempt(system, `${tool} --version`)) === null) return tool
  throw new LmrunError('this VM has no firewall: neither nft nor iptables is there', {
    hint: 'sudo apt-get install nftables, then once more.',
  })
}

function rulesFiles(tool: Tool, rules: FirewallRules): PlannedFile[] {
  const mode = 0o644
  if (tool === 'nft') return [{ path: `${RULES}.nft`, mode, content: nftScript(rules) }]
  return ([4, 6] as const).map(family => ({
    path: `${RULES}.v${family}`,
    mode,
    content: iptablesScript(rules, family),
  }))
}

/** At each boot before anything comes in; stopping it opens all again. */
function unit(tool: Tool): string {
  const [start, stop] = commands(tool)
  const lines = [
    ...start.map(line => `ExecStart=/bin/sh -c '${line}'`),
    ...stop.map(line => `ExecStop=-/bin/sh -c '${line}'`),
  ]
  return `[Unit]
Description=LMRun mesh: firewall
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
${lines.join('\n')}

[Install]
WantedBy=multi-user.target
`
}

/** Shell commands: those that set the rules, those that take them away, and one that fails where they are not. */
function commands(tool: Tool): readonly [start: string[], stop: string[], look: string] {
  if (tool === 'nft') {
    return [[`nft -f ${RULES}.nft`], [`nft delete table inet ${TABLE}`], `nft list table inet ${TABLE}`]
  }
  const both = [
    ['iptables', 4],
    ['ip6tables', 6],
  ] as const
  const jumps = [
    ['INPUT', CHAIN.input],
    ['FORWARD', CHAIN.forward],
  ] as const
  return [
    both.flatMap(([name, family]) => [
      `${name}-restore --noflush < ${RULES}.v${family}`,
      // First of all, and once.
      ...jumps.map(([from, to]) => `${name} -C ${from} -j ${to} 2> /dev/null || ${name} -I ${from} -j ${to}`),
    ]),
    both.flatMap(([name]) => [
      ...jumps.map(([from, to]) => `${name} -D ${from} -j ${to}`),
      ...Object.values(CHAIN).map(chain => `${name} -F ${chain}`),
      ...Object.values(CHAIN).map(chain => `${name} -X ${chain}`),
    ]),
    both.flatMap(([name]) => jumps.map(([from, to]) => `${name} -C ${from} -j ${to}`)).join(' && '),
  ]
}

async function undoFirewall(system: System): Promise<string[]> {
  const gone = await retire(system, UNIT)
  // Of whichever was used; what is not there cannot be taken away.
  for (const tool of ['nft', 'iptables'] as const)
    if (gone) for (const line of commands(tool)[1]) await attempt(system, line)
  for (const end of ['nft', 'v4', 'v6']) await removeIfThere(path.join(system.root, `${RULES}.${end}`))
  return gone ? ['the firewall of the mesh is gone'] : []
}

async function applyNames(system: System): Promise<string[]> {
  if (!(await hasResolved(system.root))) return []
  const file = { path: DROP_IN, mode: 0o644, content: DROP_IN_TEXT }
  if ((await writePlanned(system.root, [file])).length === 0) return []
  await systemctl(system, 'restart', 'systemd-resolved')
  return ['names of the mesh are asked of its DNS, all others as before']
}

async function undoNames(system: System): Promise<string[]> {
  const hosts = await writeNames(path.join(system.root, '/etc/hosts'), new Map())
  const dropIn = await removeIfThere(path.join(system.root, DROP_IN))
  if (dropIn) await systemctl(system, 'restart', 'systemd-resolved')
  return hosts || dropIn ? ['names of the mesh are not known any more'] : []
}

/** Null when it went well, else what it said. */
function attempt({ signal }: System, line: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', line], { signal }, (error, _stdout, stderr) => {
      if (signal.aborted) reject(signal.reason)
      else resolve(error ? stderr.trim() || error.message : null)
    })
  })
}
