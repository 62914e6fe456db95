import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { VmLost } from '../failures.ts'
import type { JobStatus } from '../fleet.ts'
import { readJson, type VmFolder } from './folder.ts'
import { isAlive, readMarker } from './processes.ts'

/** vm.json */
export interface VmRecord {
  /** Unique per launch; every process of the VM carries it as LMRUN_VM. */
  readonly id: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Unix milliseconds. */
  readonly launchedAt: number
  readonly leaseMinutes: number
  /** Port on this machine by declared port. */
  readonly ports: Readonly<Record<string, number>>
  /** The process that launches it: alive, without a keeper yet, it is still launching. */
  readonly launcher: number
}

/** keeper.json */
export interface KeeperRecord {
  readonly pid: number
  /** The public half of the key that secrets of later jobs are sealed with. */
  readonly publicKey: string
}

/** lease.json: the keeper counts `minutes` from when it sees it, so a step of the clock moves nothing. */
export interface Lease {
  readonly minutes: number
  /** Unix milliseconds, for those who list. */
  readonly expiresAt: number
  /** Tells one renewal from the next. */
  readonly token: string
}

/** jobs/<n>/state.json */
export interface JobRecord {
  readonly status: JobStatus
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly submittedAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
}

/** Begins the id of every VM of a name in one home: what is left of a VM is found by it when its folder says nothing. */
export function idPrefix(home: string, name: string): string {
  const place = createHash('sha256').update(path.resolve(home)).digest('hex').slice(0, 8)
  return `${name}.${place}.`
}

export async function readVm(folder: VmFolder): Promise<VmRecord | null> {
  return readJson(folder.record, (value): value is VmRecord =>
    has(value, ['id', 'string'], ['ports', 'object']),
  )
}

export async function readKeeper(folder: VmFolder): Promise<KeeperRecord | null> {
  return readJson(folder.keeper, (value): value is KeeperRecord => has(value, ['pid', 'number']))
}

export async function readLease(folder: VmFolder): Promise<Lease | null> {
  return readJson(folder.lease, (value): value is Lease =>
    has(value, ['minutes', 'number'], ['token', 'string']),
  )
}

export async function readJob(folder: VmFolder, id: number): Promise<JobRecord | null> {
  return readJson(folder.job(id).state, (value): value is JobRecord => has(value, ['status', 'string']))
}

/** Whether the VM's keeper lives, or its launcher is still about to start it. */
export async function isUp(folder: VmFolder): Promise<boolean> {
  const vm = await readVm(folder)
  if (!vm) return false
  const keeper = await readKeeper(folder)
  if (!keeper) return isAlive(vm.launcher)
  const marker = await readMarker(keeper.pid)
  return marker === undefined ? isAlive(keeper.pid) : marker === vm.id
}

export function gone(name: string): VmLost {
  const hint =
    'It was taken down, its lease or idle time was over, or its keeper was killed; `lmrun ls` shows what is up.'
  return new VmLost(name, 'lost', undefined, hint)
}

export function hasEnded({ status }: { readonly status: JobStatus }): boolean {
  return status !== 'PENDING' && status !== 'SETTING_UP' && status !== 'RUNNING'
}

/** The last lines of a file of the VM, for an error. */
export async function lastLines(file: string, count: number): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

function has(value: unknown, ...wanted: readonly (readonly [string, string])[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  const fields: Record<string, unknown> = { ...value }
  return wanted.every(([key, type]) => typeof fields[key] === type && fields[key] !== null)
}
