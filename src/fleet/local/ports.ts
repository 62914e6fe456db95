import { randomInt } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { LmrunError } from '../../errors.ts'
import { hasCode, vmFolder } from './folder.ts'
import { readVm } from './records.ts'

/** Below the range from which Linux and macOS give ports to outgoing connections. */
const FIRST = 20_000
const LAST = 32_000
const TRIES = 500
/** A launch that has reserved a port is on record long before. */
const LAUNCHING_MS = 60_000

interface Owner {
  readonly id: string
  readonly name: string
}

/**
 * Reserves a free port of this machine for each declared one. A reservation is a file that names its VM, so that VMs
 * launched side by side never get the same; it lasts until the VM is down.
 */
export async function reservePorts(
  home: string,
  owner: Owner,
  declared: readonly number[],
): Promise<Record<string, number>> {
  await mkdir(portsFolder(home), { recursive: true })
  const ports: [number, number][] = []
  for (const port of declared) ports.push([port, await reserve(home, owner)])
  return Object.fromEntries(ports)
}

export async function releasePorts(home: string, ports: Readonly<Record<string, number>>): Promise<void> {
  await Promise.all(Object.values(ports).map(port => rm(portFile(home, port), { force: true })))
}

/** Frees what VMs that are no more have reserved. */
export async function prunePorts(home: string): Promise<void> {
  const files = await readdir(portsFolder(home)).catch(() => [])
  await Promise.all(files.map(name => pruneOne(home, path.join(portsFolder(home), name))))
}

async function pruneOne(home: string, file: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(file)
    if (Date.now() - mtimeMs < LAUNCHING_MS) return
    const owner: Partial<Owner> = JSON.parse((await readFile(file, 'utf8')) || '{}')
    const vm = owner.name ? await readVm(vmFolder(home, owner.name)) : null
    if (!vm || vm.id !== owner.id) await rm(file, { force: true })
  } catch (error) {
    if (error instanceof SyntaxError) await rm(file, { force: true })
    else if (!hasCode(error, 'ENOENT')) throw error
  }
}

async function reserve(home: string, owner: Owner): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(FIRST, LAST)
    if (!(await claim(portFile(home, port), owner))) continue
    if (await isFree(port)) return port
    await rm(portFile(home, port), { force: true })
  }
  throw new LmrunError(`no free port between ${FIRST} and ${LAST} in ${TRIES} tries`, {
    hint: 'End what occupies them: `lmrun ls` shows the VMs of this machine.',
  })
}

async function claim(file: string, owner: Owner): Promise<boolean> {
  try {
    await writeFile(file, JSON.stringify({ id: owner.id, name: owner.name }), { flag: 'wx' })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Free on loopback and on every address: a server may listen on either. */
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '0.0.0.0'))
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function portsFolder(home: string): string {
  return path.join(home, 'ports')
}

function portFile(home: string, port: number): string {
  return path.join(portsFolder(home), String(port))
}
