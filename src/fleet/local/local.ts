import path from 'node:path'
import { currentEnv, type Env, lmrunHome } from '../../env.ts'
import { InputError, LmrunError } from '../../errors.ts'
import type { DownResult, Endpoint, Fleet, Job, JobState, LaunchRequest, Task, VmInfo } from '../fleet.ts'
import { type BoundTask, bindTask, checkLease, isVmName, requestProblems } from '../task.ts'
import { endVms } from './down.ts'
import { inherited } from './environment.ts'
import { requestJob } from './exec.ts'
import { copyIn, copyOut } from './fetch.ts'
import { hasCode, vmFolder, writeJson } from './folder.ts'
import { localProblems } from './honours.ts'
import { jobEnd, jobState } from './job-state.ts'
import { launchVm, newLease, type Runtime } from './launch.ts'
import { listVms } from './list.ts'
import { gone, isUp, readVm } from './records.ts'
import { readTail } from './tail.ts'

export interface LocalFleetOptions {
  /** Folder of all VMs, ports and setups: `lmrunHome()` by default. */
  readonly home?: string
  readonly runtime: Runtime
  /** What jobs inherit a part of: the environment of this process by default. */
  readonly env?: Env
  /** Milliseconds between asking a VM's processes to end and ending them. */
  readonly graceMs?: number
}

/** VMs as process groups on this machine: the same templates as in the cloud, no account. */
export function createLocalFleet(options: LocalFleetOptions): Fleet {
  return new LocalFleet(options)
}

class LocalFleet implements Fleet {
  readonly kind = 'local'
  readonly #home: string
  readonly #runtime: Runtime
  readonly #env: Env
  readonly #graceMs: number
  /** Launches under way, so that `down` stops them before it ends what they started. */
  readonly #launching = new Map<string, { stop: AbortController; settled: Promise<unknown> }>()

  constructor({ home, runtime, env = currentEnv(), graceMs = 2000 }: LocalFleetOptions) {
    this.#home = path.resolve(home ?? lmrunHome(env))
    this.#runtime = runtime
    this.#env = env
    this.#graceMs = graceMs
  }

  async check(request: LaunchRequest): Promise<void> {
    await bindRequest(request)
  }

  async launch(request: LaunchRequest, signal: AbortSignal): Promise<Job> {
    signal.throwIfAborted()
    const { name } = request
    const stop = new AbortController()
    const work = this.#launch(request, AbortSignal.any([signal, stop.signal]))
    const entry = { stop, settled: work.catch(() => {}) }
    // A second launch of a name that is being launched is refused below, and must not hide the first.
    const first = !this.#launching.has(name)
    if (first) this.#launching.set(name, entry)
    try {
      return await work
    } finally {
      if (first) this.#launching.delete(name)
    }
  }

  async exec(name: string, task: Task, signal: AbortSignal): Promise<Job> {
    signal.throwIfAborted()
    const bound = await bindTask(task, localProblems)
    return { vm: name, id: await requestJob(this.#folder(name), name, bound) }
  }

  jobState(job: Job): Promise<JobState> {
    return jobState(this.#folder(job.vm), job)
  }

  jobEnd(job: Job, signal: AbortSignal): Promise<JobState> {
    return jobEnd(this.#folder(job.vm), job, signal)
  }

  async tailLog(job: Job, lines: number): Promise<readonly string[]> {
    const folder = this.#folder(job.vm)
    const tail = await readTail(folder.job(job.id).log, lines)
    if (!tail && !(await readVm(folder))) throw gone(job.vm)
    return tail ?? []
  }

  fetch(name: string, from: string, to: string): Promise<boolean> {
    return copyOut(this.#folder(name).work, from, to)
  }

  push(name: string, from: string, to: string): Promise<void> {
    return copyIn(this.#folder(name).work, from, to)
  }

  async endpoint(name: string, port: number): Promise<Endpoint> {
    const vm = await readVm(this.#folder(name))
    if (!vm) throw gone(name)
    const actual = vm.ports[port]
    if (actual !== undefined) return { host: '127.0.0.1', port: actual }
    const declared = Object.keys(vm.ports).join(', ') || 'none'
    throw new LmrunError(`the VM ${name} has no port ${port}; declared: ${declared}`, {
      hint: `Declare it in the template: resources: {ports: [${port}]}.`,
    })
  }

  async down(names: readonly string[]): Promise<readonly DownResult[]> {
    const launching = names.flatMap(name => this.#launching.get(name) ?? [])
    for (const { stop } of launching)
      stop.abort(new LmrunError('the VM was ended while it was being launched'))
    await Promise.all(launching.map(({ settled }) => settled))
    // What is no name of a VM is the name of none, and never a path.
    const results = await endVms(this.#home, names.filter(isVmName), { graceMs: this.#graceMs })
    const byName = new Map(results.map(result => [result.name, result]))
    return names.map(name => byName.get(name) ?? { name, verified: true })
  }

  list(): Promise<readonly VmInfo[]> {
    return listVms(this.#home)
  }

  async renewLease(names: readonly string[], leaseMinutes: number): Promise<void> {
    checkLease(leaseMinutes)
    const renewals = await Promise.allSettled(names.map(name => this.#renew(name, leaseMinutes)))
    const failed = renewals.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
    if (failed.length === 1) throw failed[0]
    if (failed.length > 1) throw new LmrunError(failed.map(error => error.message).join('; '))
  }

  /** VMs outlive this process: what belongs to one ends with it. */
  async close(): Promise<void> {}

  async #launch(request: LaunchRequest, signal: AbortSignal): Promise<Job> {
    const { name } = request
    const task = await bindRequest(request)
    const context = {
      home: this.#home,
      runtime: this.#runtime,
      base: inherited(this.#env),
      graceMs: this.#graceMs,
    }
    await this.#clearDead(name)
    await launchVm(context, request, task, signal)
    return { vm: name, id: 1 }
  }

  /** What a VM left behind whose keeper was killed does not hold its name. */
  async #clearDead(name: string): Promise<void> {
    const folder = this.#folder(name)
    if ((await readVm(folder)) && !(await isUp(folder)))
      await endVms(this.#home, [name], { graceMs: this.#graceMs })
  }

  async #renew(name: string, leaseMinutes: number): Promise<void> {
    const folder = this.#folder(name)
    if (!(await isUp(folder))) throw gone(name)
    try {
      await writeJson(folder.lease, newLease(leaseMinutes))
    } catch (error) {
      throw hasCode(error, 'ENOENT') ? gone(name) : error
    }
  }

  #folder(name: string) {
    if (isVmName(name)) return vmFolder(this.#home, name)
    throw new LmrunError(`"${name}" is the name of no VM`)
  }
}

/** @throws InputError with the problems of the request and of its template at once */
async function bindRequest(request: LaunchRequest): Promise<BoundTask> {
  const problems = requestProblems(request)
  try {
    const task = await bindTask(request, localProblems)
    if (problems.length === 0) return task
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    problems.push(...error.problems)
  }
  throw new InputError(problems)
}
