/** One machine: a folder as its home, an address of its own on loopback, and jobs that really run by bash. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { killAll, processesWith } from '../processes.ts'

export interface TaskSpec {
  readonly name: string
  readonly setup: string
  readonly run: string
  /** Envs and secrets. */
  readonly variables: Readonly<Record<string, string>>
}

export type SkyJobStatus =
  | 'PENDING'
  | 'SETTING_UP'
  | 'RUNNING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'FAILED_SETUP'
  | 'CANCELLED'

export interface JobRecord {
  readonly id: number
  readonly name: string
  readonly submittedAt: number
  readonly logPath: string
  startedAt: number | null
  endedAt: number | null
  status: SkyJobStatus
  exitCode: number | null
  process: ChildProcess | null
}

/** What makes a machine of its own of a VM: network, processes and system files. */
export interface Inside {
  /** At which others reach it. */
  readonly address: string
  /** First on PATH, after the VM's tools, and beside its variables. */
  readonly path: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The command line that runs a command in there. */
  enter(command: string, args: readonly string[], cwd: string): readonly string[]
  /** Resolves with a port of 127.0.0.1 here that leads to that one of its own loopback. */
  forward(port: number): Promise<number>
  /** It vanishes with all that runs in it; its home is of this machine. */
  end(): Promise<void>
}

export interface VmOptions {
  readonly id: string
  readonly name: string
  /** Tells its address from those of its siblings. */
  readonly number: number
  readonly folder: string
  readonly tools: readonly string[]
  /** Makes the machine; a VM shares this one's network and files when absent. */
  readonly inside?: () => Promise<Inside>
}

const DONE: readonly SkyJobStatus[] = ['SUCCEEDED', 'FAILED', 'FAILED_SETUP', 'CANCELLED']

export class Vm {
  readonly jobs: JobRecord[] = []
  readonly #loopback: string
  shutdown?: AbortController
  readonly #options: VmOptions
  readonly #bootedAt = Date.now()
  #making: Promise<Inside> | undefined
  #inside: Inside | undefined
  #ended = false

  constructor(options: VmOptions) {
    this.#options = options
    const own = process.pid % 62_500
    this.#loopback = `127.${100 + (options.number % 100)}.${1 + Math.floor(own / 250)}.${1 + (own % 250)}`
  }

  /** Its address: a machine of its own keeps its ports to itself. */
  get address(): string {
    return this.#inside?.address ?? this.#loopback
  }

  get home(): string {
    return this.#options.folder
  }

  async boot(): Promise<void> {
    await mkdir(path.join(this.home, 'sky_workdir'), { recursive: true })
    await mkdir(path.join(this.home, 'sky_logs'))
    await mkdir(path.join(this.home, 'tmp'))
    this.#making = this.#options.inside?.()
    this.#inside = await this.#making
  }

  /** Copies files as `file_mounts` and `workdir` say; a target must be below the home. */
  async sync(mounts: readonly (readonly [from: string, to: string])[]): Promise<void> {
    for (const [from, to] of mounts) {
      await cp(from, this.resolve(to), { recursive: true, force: true, dereference: true })
    }
  }

  /** A path as SkyPilot takes it: `~` is the home, and relative ones begin where jobs do. */
  resolve(file: string): string {
    const [home] = /^~\/?|^\$HOME\/?/.exec(file) ?? []
    return home === undefined
      ? path.resolve(this.home, 'sky_workdir', file)
      : path.join(this.home, file.slice(home.length))
  }

  /** Numbers the job and starts it; setup first, unless it is empty. */
  async submit(task: TaskSpec): Promise<JobRecord> {
    const id = this.jobs.length + 1
    const logPath = `~/sky_logs/${id}-${task.name}`
    const record: JobRecord = {
      id,
      name: task.name,
      submittedAt: Date.now(),
      logPath,
      startedAt: null,
      endedAt: null,
      status: task.setup ? 'SETTING_UP' : 'RUNNING',
      exitCode: null,
      process: null,
    }
    this.jobs.push(record)
    await mkdir(this.resolve(logPath), { recursive: true })
    void this.#runJob(record, task)
    return record
  }

  /** Since when nothing runs; null while something does. */
  idleSince(): number | null {
    if (this.jobs.some(({ status }) => !DONE.includes(status))) return null
    return Math.max(this.#bootedAt, ...this.jobs.map(({ endedAt }) => endedAt ?? 0))
  }

  /** Starts a command as sshd does: by bash, at home, with the machine's own environment. */
  open(command: string): ChildProcess {
    return this.#bash(['-c', command], this.home, {})
  }

  /** Resolves with a port of 127.0.0.1 here that leads to that one of its loopback. */
  async forward(port: number): Promise<number> {
    return this.#inside?.forward(port) ?? port
  }

  cancel(job: JobRecord): void {
    if (DONE.includes(job.status)) return
    job.status = 'CANCELLED'
    killGroup(job.process)
  }

  async jobEnd(job: JobRecord): Promise<void> {
    while (!DONE.includes(job.status) && !this.#ended) await sleep(50)
  }

  /** The machine's processes and its disk are gone. */
  async end(): Promise<void> {
    this.#ended = true
    this.shutdown?.abort()
    for (const job of this.jobs) if (!DONE.includes(job.status)) job.status = 'CANCELLED'
    const inside = await this.#making?.catch(() => undefined)
    await inside?.end()
    // What was starting another one while we looked is found the next time.
    for (let left = processesWith(this.#marker()); left.length > 0; left = processesWith(this.#marker())) {
      killAll(left)
      await sleep(20)
    }
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 })
  }

  async #runJob(record: JobRecord, task: TaskSpec): Promise<void> {
    const log = createWriteStream(path.join(this.resolve(record.logPath), 'run.log'), { flags: 'a' })
    log.on('error', () => {}) // The machine's disk goes before its last words come.
    try {
      if (task.setup) {
        const code = await this.#phase('setup', record, task, log)
        if (code !== 0) return finish(record, 'FAILED_SETUP', code)
      }
      if (record.status === 'CANCELLED') return
      record.status = 'RUNNING'
      const code = await this.#phase('run', record, task, log)
      finish(record, code === 0 ? 'SUCCEEDED' : 'FAILED', code)
    } catch {
      finish(record, 'FAILED', null)
    } finally {
      record.endedAt = Date.now()
      log.end()
    }
  }

  async #phase(
    phase: 'setup' | 'run',
    record: JobRecord,
    task: TaskSpec,
    log: WriteStream,
  ): Promise<number | null> {
    const script = path.join(this.home, 'tmp', `${phase}-${record.id}.sh`)
    await writeFile(script, task[phase])
    if (phase === 'run') record.startedAt = Date.now()
    const variables = { ...task.variables, ...this.#skyVariables(phase, record) }
    const child = this.#bash([script], path.join(this.home, 'sky_workdir'), variables)
    record.process = child
    child.stdin?.end()
    const prefix = phase === 'setup' ? `(setup pid=${child.pid})` : `(${task.name}, pid=${child.pid})`
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', line => log.write(`${prefix} ${line}\n`))
    }
    const [code] = (await once(child, 'exit')) as [number | null]
    return code
  }

  #bash(args: readonly string[], cwd: string, variables: Readonly<Record<string, string>>): ChildProcess {
    if (this.#ended) throw new Error('the machine is gone')
    const [command = '', ...rest] = this.#inside?.enter('bash', args, cwd) ?? ['bash', ...args]
    return spawn(command, rest, {
      cwd,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...this.#environment(), ...variables },
    })
  }

  /** Nothing of whoever launched it: a machine of its own. */
  #environment(): Record<string, string> {
    const { name, tools } = this.#options
    const { path: own = [], env = {} } = this.#inside ?? {}
    return {
      HOME: this.home,
      PATH: [...tools, path.dirname(process.execPath), ...own, '/usr/local/bin', '/usr/bin', '/bin'].join(
        ':',
      ),
      USER: 'sky',
      SHELL: '/bin/bash',
      LANG: 'C.UTF-8',
      TMPDIR: path.join(this.home, 'tmp'),
      SKY_STAND_IN_VM: this.#marker(),
      SKY_STAND_IN_NAME: name,
      SKY_STAND_IN_ADDRESS: this.address,
      ...env,
    }
  }

  #skyVariables(phase: 'setup' | 'run', { id }: JobRecord): Record<string, string> {
    const { name } = this.#options
    const cluster = { cluster_name: name, cloud: 'AWS', region: 'us-east-1', zone: 'us-east-1a' }
    const both = {
      SKYPILOT_CLUSTER_INFO: JSON.stringify(cluster),
      SKYPILOT_TASK_ID: `sky-2026-11-24-12-00-00-000000_${name}_${id}`,
      SKYPILOT_USER: 'root',
      SKYPILOT_NUM_NODES: '1',
    }
    return phase === 'setup'
      ? {
          ...both,
          SKYPILOT_SETUP_NODE_RANK: '0',
          SKYPILOT_SETUP_NODE_IPS: this.address,
          SKYPILOT_SETUP_NUM_GPUS_PER_NODE: '0',
        }
      : {
          ...both,
          SKYPILOT_NODE_RANK: '0',
          SKYPILOT_NODE_IPS: this.address,
          SKYPILOT_NUM_GPUS_PER_NODE: '0',
        }
  }

  #marker(): string {
    return this.#options.id
  }
}

function finish(record: JobRecord, status: SkyJobStatus, exitCode: number | null): void {
  if (record.status === 'CANCELLED') return
  record.status = status
  record.exitCode = exitCode
}

function killGroup(child: ChildProcess | null): void {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
