import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { LmrunError } from '../../errors.ts'
import { MESH } from '../../mesh-names.ts'
import { readIfThere, removeIfThere, writePlanned } from '../files.ts'
import type { System } from '../system.ts'
import { isActive, systemctl } from '../systemd.ts'

/**
 * How containers of this VM find a service by name. Docker gives them the host's own nameservers, but never the
 * resolver on its loopback, so split DNS does not reach them: they ask the mesh's DNS first, which passes on what is
 * not its own. Source: https://docs.docker.com/engine/network/#dns-services
 */
const DAEMON = '/etc/docker/daemon.json'
/** What `dns` was before us; null: nothing. */
const BEFORE = '/etc/lmrun/docker-dns.json'
const UNIT = 'docker.service'
/** Of a host with systemd-resolved, then of one without. */
const RESOLVERS = ['/run/systemd/resolve/resolv.conf', '/etc/resolv.conf']

const daemonSchema = z.looseObject({ dns: z.array(z.string()).optional() })
type Daemon = z.infer<typeof daemonSchema>

/** @returns what was changed, a line each @throws LmrunError when Docker's own configuration cannot be read */
export async function applyDocker(system: System): Promise<string[]> {
  const daemon = await readDaemon(system)
  const own = daemon?.dns
  if (own?.[0] === MESH.dns) return []
  const others = own ?? (await nameservers(system.root))
  const before = { path: BEFORE, mode: 0o644, content: `${JSON.stringify(own ?? null)}\n` }
  await writePlanned(system.root, [before])
  await writeDaemon(system, { ...daemon, dns: [MESH.dns, ...others] })
  return ['containers ask the mesh’s DNS first']
}

/** @returns what was undone, a line each */
export async function undoDocker(system: System): Promise<string[]> {
  const before = path.join(system.root, BEFORE)
  const kept = await readIfThere(before)
  if (kept === null) return []
  const { dns: now, ...rest } = (await readDaemon(system)) ?? {}
  // Else somebody has said otherwise since.
  if (now?.[0] === MESH.dns) {
    const dns = z.array(z.string()).nullable().parse(JSON.parse(kept))
    await writeDaemon(system, dns === null ? rest : { ...rest, dns })
  }
  await removeIfThere(before)
  return ['containers do not ask the mesh’s DNS any more']
}

async function readDaemon({ root }: System): Promise<Daemon | null> {
  const text = await readIfThere(path.join(root, DAEMON))
  if (text === null || text.trim() === '') return null
  try {
    return daemonSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new LmrunError(`${DAEMON} is nothing that Docker takes`, {
      cause,
      hint: 'Mend it, or leave out --containers.',
    })
  }
}

/** Docker reads `dns` when it starts, and a container when it is made. */
async function writeDaemon(system: System, daemon: Daemon): Promise<void> {
  if (Object.keys(daemon).length === 0) await removeIfThere(path.join(system.root, DAEMON))
  else {
    const content = `${JSON.stringify(daemon, null, 2)}\n`
    await writePlanned(system.root, [{ path: DAEMON, mode: 0o644, content }])
  }
  if (await isActive(system, UNIT)) await systemctl(system, 'restart', UNIT)
}

/** What Docker would have given: those that a container can reach. */
async function nameservers(root: string): Promise<string[]> {
  const file = RESOLVERS.map(name => path.join(root, name)).find(existsSync)
  const text = file === undefined ? '' : await readFile(file, 'utf8')
  const all = [...text.matchAll(/^nameserver\s+(\S+)/gm)].flatMap(([, address]) => address ?? [])
  return all.filter(address => !/^(127\.|::1$)/.test(address))
}
