import { randomBytes } from 'node:crypto'
import { link, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { hasCode, readJson } from './folder.ts'
import { isAlive, readMarker } from './processes.ts'
import { changes } from './watch.ts'

/** Who holds a lock: a keeper, by its process and its VM. */
export interface Holder {
  readonly pid: number
  /** The LMRUN_VM of the process. */
  readonly vm: string
}

interface Held extends Holder {
  readonly token: string
}

export interface LockOptions {
  readonly holder: Holder
  readonly signal: AbortSignal
  /** Called once, when the lock must be waited for. */
  readonly onWait?: (holder: Holder) => void
  /** Called before the lock of a dead holder is taken over: what it left running can be ended here. */
  readonly onDead?: (holder: Holder) => Promise<void>
}

const POLL_MS = 250

/** Waits for a lock between processes, held by a file that names its holder; a dead holder's lock is taken over. */
export async function acquire(file: string, options: LockOptions): Promise<AsyncDisposable> {
  const { holder, signal, onWait, onDead } = options
  const held: Held = { ...holder, token: randomBytes(8).toString('hex') }
  await mkdir(path.dirname(file), { recursive: true })
  let waited = false
  for await (const _ of changes(path.dirname(file), { signal, pollMs: POLL_MS })) {
    if (await create(file, held)) return { [Symbol.asyncDispose]: () => rm(file, { force: true }) }
    const other = await readJson(file, isHeld)
    if (!other) continue
    if (!(await lives(other))) {
      await onDead?.(other)
      await breakLock(file, other, held)
    } else if (!waited) {
      waited = true
      onWait?.(other)
    }
  }
  throw signal.reason
}

/** True while somebody alive holds the lock. */
export async function isLocked(file: string): Promise<boolean> {
  const held = await readJson(file, isHeld)
  return held !== null && (await lives(held))
}

/** The file appears with its content, or not at all. */
async function create(file: string, held: Held): Promise<boolean> {
  const fresh = `${file}.${held.token}`
  await writeFile(fresh, JSON.stringify(held))
  try {
    await link(fresh, file)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(fresh, { force: true })
  }
}

/**
 * Removes the lock of a dead holder. The right to do so is a file of its own, named after the lock that it is about:
 * while one holds it nobody else removes that lock, so what was looked at is what is removed, never the lock of
 * somebody who came meanwhile. Who dies with the right in hand is broken in the same way.
 */
async function breakLock(file: string, dead: Held, self: Held): Promise<void> {
  const right = `${file}.${dead.token}.break`
  if (!(await create(right, self))) {
    const breaker = await readJson(right, isHeld)
    if (breaker && !(await lives(breaker))) await breakLock(right, breaker, self)
    return
  }
  try {
    const now = await readJson(file, isHeld)
    if (now?.token === dead.token) await rm(file, { force: true })
  } finally {
    await rm(right, { force: true })
  }
}

async function lives({ pid, vm }: Holder): Promise<boolean> {
  const marker = await readMarker(pid)
  return marker === undefined ? isAlive(pid) : marker === vm
}

function isHeld(value: unknown): value is Held {
  return typeof value === 'object' && value !== null && 'pid' in value && 'vm' in value && 'token' in value
}
