import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { LmrunError } from '../../errors.ts'
import type { LaunchRequest } from '../fleet.ts'
import type { BoundTask } from '../task.ts'
import { endVms } from './down.ts'
import type { Vars } from './environment.ts'
import { hasCode, type VmFolder, vmFolder, writeJson } from './folder.ts'
import type { VmOrder } from './order.ts'
import { prunePorts, releasePorts, reservePorts } from './ports.ts'
import { idPrefix, type JobRecord, type Lease, lastLines, type VmRecord } from './records.ts'
import { pruneVms } from './removal.ts'

/** The programs that a VM is made of. */
export interface Runtime {
  /** The keeper: dist/vm/index.js. */
  readonly vmEntry: string
  /** What `lmrun` is inside a VM: dist/cli/index.js. */
  readonly cliEntry: string
  /** The Node that runs both. */
  readonly node: string
}

export interface LaunchContext {
  readonly home: string
  readonly runtime: Runtime
  /** What jobs inherit. */
  readonly base: Vars
  readonly graceMs: number
}

/** How long a keeper may take to say that it is there, on a busy machine. */
const READY_MS = 30_000

/**
 * Writes the VM's folder, which appears whole or not at all, and starts its keeper.
 * @throws LmrunError when the name is taken, or the keeper does not come up
 */
export async function launchVm(
  context: LaunchContext,
  request: LaunchRequest,
  task: BoundTask,
  signal: AbortSignal,
): Promise<void> {
  const { home } = context
  const { name } = request
  const id = idPrefix(home, name) + randomBytes(6).toString('hex')
  await Promise.all([pruneVms(home), prunePorts(home)])
  const ports = await reservePorts(home, { id, name }, task.template.ports)
  const vm: VmRecord = {
    id,
    name,
    labels: { ...task.template.labels, ...request.labels },
    launchedAt: Date.now(),
    leaseMinutes: request.leaseMinutes,
    ports,
    launcher: process.pid,
  }
  try {
    await claim(context, vm)
  } catch (error) {
    await releasePorts(home, ports)
    throw error
  }
  try {
    signal.throwIfAborted()
    await startKeeper(context, orderOf(context, vm, task), signal)
  } catch (error) {
    await endVms(home, [name], context)
    throw error
  }
}

export function newLease(minutes: number): Lease {
  return { minutes, expiresAt: Date.now() + minutes * 60_000, token: randomBytes(8).toString('hex') }
}

/** The rename gives the name to one of several that want it. */
async function claim({ home, runtime }: LaunchContext, vm: VmRecord): Promise<void> {
  const fresh = vmFolder(home, `.new-${vm.id}`)
  try {
    await writeFolder(fresh, vm, runtime)
    await rename(fresh.root, vmFolder(home, vm.name).root)
  } catch (error) {
    await rm(fresh.root, { recursive: true, force: true })
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error
    throw new LmrunError(`the VM ${vm.name} is up already`, {
      hint: `End it with \`lmrun down ${vm.name}\`, or take another name.`,
      cause: error,
    })
  }
}

async function writeFolder(folder: VmFolder, vm: VmRecord, runtime: Runtime): Promise<void> {
  await mkdir(folder.root, { recursive: true, mode: 0o700 })
  const job = folder.job(1)
  await Promise.all(
    [folder.work, folder.bin, folder.requests, job.root].map(part => mkdir(part, { recursive: true })),
  )
  const pending: JobRecord = {
    status: 'PENDING',
    exitCode: null,
    signal: null,
    submittedAt: vm.launchedAt,
    startedAt: null,
    endedAt: null,
  }
  const shim = path.join(folder.bin, 'lmrun')
  await Promise.all([
    writeJson(folder.record, vm),
    writeJson(folder.lease, newLease(vm.leaseMinutes)),
    writeJson(job.state, pending),
    writeFile(job.log, ''),
    writeFile(shim, `#!/bin/sh\nexec ${quote(runtime.node)} ${quote(runtime.cliEntry)} "$@"\n`),
  ])
  await chmod(shim, 0o755)
}

function orderOf(
  { home, base, graceMs }: LaunchContext,
  { id, name, ports }: VmRecord,
  task: BoundTask,
): VmOrder {
  const { template, envs, secrets } = task
  const job = { run: template.run, envs, templateFolder: path.dirname(template.path) }
  return {
    home,
    id,
    name,
    base,
    ports,
    setup: template.setup,
    autostop: template.autostop,
    graceMs,
    job,
    secrets,
  }
}

async function startKeeper(
  { runtime, base }: LaunchContext,
  order: VmOrder,
  signal: AbortSignal,
): Promise<void> {
  const folder = vmFolder(order.home, order.name)
  const log = openSync(folder.keeperLog, 'a', 0o600)
  const child = spawn(runtime.node, [runtime.vmEntry, order.name], {
    // A session of its own, so that it outlives us and its processes are told from ours.
    detached: true,
    cwd: folder.root,
    env: { ...base, LMRUN_VM: order.id },
    stdio: ['pipe', log, log, 'pipe'],
  })
  closeSync(log)
  const [stdin, word] = [child.stdin as Writable, child.stdio[3] as Readable]
  // A keeper that dies while it is told its order is reported by its exit.
  stdin.on('error', () => {})
  word.on('error', () => {})
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const either = AbortSignal.any([signal, AbortSignal.timeout(READY_MS)])
  const onAbort = () => reject(either.reason)
  either.addEventListener('abort', onAbort)
  child.once('error', reject)
  child.once('exit', code => reject(new Error(`it ended with exit code ${code}`)))
  word.once('data', () => resolve())
  if (either.aborted) onAbort()
  stdin.end(JSON.stringify(order))
  try {
    await promise
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    const log = await lastLines(folder.keeperLog, 12)
    const hint = log || 'It was ended while it was being launched.'
    throw new LmrunError(`the VM ${order.name} did not come up`, { cause, hint })
  } finally {
    either.removeEventListener('abort', onAbort)
    word.destroy()
    child.unref()
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
