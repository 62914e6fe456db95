import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { removeIfThere } from './files.ts'
import { AT, UNIT } from './paths.ts'
import type { System } from './system.ts'
import { retire } from './systemd.ts'
import type { Host } from './types.ts'

const run = promisify(execFile)

/** Takes this VM out of its mesh, and all that was installed for it. A second time changes nothing. */
export async function runLeaveCommand(system: System, host: Host): Promise<void> {
  const done: string[] = []
  // First what it publishes: the agent takes its slice along, as long as K3s is there.
  for (const unit of [UNIT.agent, UNIT.main]) if (await retire(system, unit)) done.push(`${unit} is gone`)
  done.push(...(await host.undo(system)))
  if (await removeK3s(system)) done.push('K3s is gone')
  for (const file of [AT.agent, AT.main, AT.k3s, AT.app])
    if (await removeIfThere(path.join(system.root, file))) done.push(`${file} is gone`)
  for (const line of done) system.log(line)
  if (done.length === 0) system.log('nothing to change: this VM is in no mesh')
  else system.log('main forgets its Node after a minute of silence')
}

/** Flannel's and the pods' links, in both of its ways. */
const LINKS = ['flannel-wg', 'flannel.1', 'cni0']

/** K3s's unit, identity, data and network, as its own k3s-killall.sh and uninstaller do. @returns whether it was there */
export async function removeK3s(system: System): Promise<boolean> {
  // Without our unit, what else is there is another K3s's.
  if (!(await retire(system, UNIT.k3s))) return false
  for (const file of [AT.config, AT.flannel, AT.token, AT.adminKubeconfig, AT.data, AT.password])
    await removeIfThere(path.join(system.root, file))
  await endPods(system)
  for (const link of LINKS) await attempt(system, 'ip', ['link', 'delete', link])
  for (const tables of ['iptables', 'ip6tables']) await removeRules(system, tables)
  return true
}

/** KillMode=process leaves what runs the pods. */
async function endPods(system: System): Promise<void> {
  const found = await attempt(system, 'pgrep', ['-f', `^${AT.data}/data/[^/]+/bin/containerd-shim`])
  for (const pid of found.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {} // It has ended meanwhile.
  }
}

/** kube-proxy's and flannel's chains; others' stay. */
async function removeRules(system: System, tables: string): Promise<void> {
  const rules = await attempt(system, `${tables}-save`, [])
  if (!/KUBE-|FLANNEL/i.test(rules)) return
  const others = rules.split('\n').filter(line => !/KUBE-|CNI-|FLANNEL/i.test(line))
  const restore = run(`${tables}-restore`, [], { signal: system.signal })
  restore.child.stdin?.end(others.join('\n'))
  await restore
}

/** What is not there need not be ended. */
async function attempt({ signal }: System, command: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(command, [...args], { signal })).stdout
  } catch {
    signal.throwIfAborted()
    return ''
  }
}
