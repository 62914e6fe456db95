import { mkdir } from 'node:fs/promises'
import { type Place, skypilotVars, type Vars, vmVars } from './environment.ts'
import { vmFolder, writeJson } from './folder.ts'
import { JobLog } from './job-log.ts'
import type { Holder } from './lock.ts'
import type { JobOrder, VmOrder } from './order.ts'
import { hasEnded, type JobRecord } from './records.ts'
import { type Ended, runScript } from './script.ts'
import { setupKey } from './setup-key.ts'
import { pruneSetups, setupFolder, touch, useSetup } from './setups.ts'

interface Steps {
  readonly id: number
  readonly log: JobLog
  readonly order: JobOrder
  readonly secrets: Vars
  readonly at: Date
}

/** The jobs of one VM: the setup, then any number side by side. */
export class VmJobs {
  readonly #order: VmOrder
  readonly #signal: AbortSignal
  readonly #endOrphans: (vm: string) => Promise<void>
  readonly #masks = new Set<string>()
  readonly #folder
  #setup: string | null = null
  #setupDone: Promise<boolean> = Promise.resolve(true)
  #running = 0
  #idleSince = performance.now()

  /**
   * @param signal aborts when the VM ends
   * @param endOrphans ends what a VM whose keeper died left running
   */
  constructor(order: VmOrder, signal: AbortSignal, endOrphans: (vm: string) => Promise<void>) {
    this.#order = order
    this.#signal = signal
    this.#endOrphans = endOrphans
    this.#folder = vmFolder(order.home, order.name)
  }

  /** Milliseconds since the last job ended; null while one has not. */
  get idleMs(): number | null {
    return this.#running > 0 ? null : performance.now() - this.#idleSince
  }

  /** Setup, then the launch's own job. */
  async launch(): Promise<void> {
    const done = Promise.withResolvers<boolean>()
    this.#setupDone = done.promise
    await this.#job(1, this.#order.job, this.#order.secrets, async steps => {
      const ended = await this.#prepare(steps)
      done.resolve(ended === null)
      return ended
    })
    done.resolve(false)
  }

  /** A further job; it waits for the setup. */
  async start(id: number, order: JobOrder, secrets: Vars): Promise<void> {
    await this.#job(id, order, secrets, async ({ log }) => {
      if (await this.#setupDone) return null
      log.say('not run: the setup of this VM failed')
      return { exitCode: null, signal: null }
    })
  }

  /**
   * @param prepare what comes before `run`; an end in it is a failed setup
   */
  async #job(
    id: number,
    order: JobOrder,
    secrets: Vars,
    prepare: (steps: Steps) => Promise<Ended | null>,
  ): Promise<void> {
    this.#running++
    for (const secret of Object.values(secrets)) this.#masks.add(secret)
    const at = new Date()
    const { root, log: file } = this.#folder.job(id)
    await mkdir(root, { recursive: true })
    const log = new JobLog(file, () => this.#masks)
    let job: JobRecord = {
      status: id === 1 && this.#order.setup ? 'SETTING_UP' : 'PENDING',
      exitCode: null,
      signal: null,
      submittedAt: at.getTime(),
      startedAt: null,
      endedAt: null,
    }
    const record = async (change: Partial<JobRecord>) => {
      job = { ...job, ...change }
      await writeJson(this.#folder.job(id).state, job)
    }
    try {
      await record({})
      const steps = { id, log, order, secrets, at }
      const failed = await prepare(steps)
      if (!failed) await record({ status: 'RUNNING', startedAt: Date.now() })
      const ended = failed ?? (await this.#run('run', order.run, steps, this.#folder.work))
      log.say(`job ${id} ${howItEnded(ended)}`)
      await record({ ...ended, status: this.#status(ended, failed), endedAt: Date.now() })
    } catch (error) {
      log.say(`job ${id} could not be run: ${error instanceof Error ? error.message : error}`)
      if (!hasEnded(job))
        await record({ status: this.#signal.aborted ? 'CANCELLED' : 'FAILED', endedAt: Date.now() })
    } finally {
      this.#running--
      this.#idleSince = performance.now()
      // The log stays open: what a job leaves running may still write to it.
    }
  }

  #status({ exitCode }: Ended, failedSetup: Ended | null): JobRecord['status'] {
    if (this.#signal.aborted) return 'CANCELLED'
    if (failedSetup) return 'FAILED_SETUP'
    return exitCode === 0 ? 'SUCCEEDED' : 'FAILED'
  }

  /** Null when the setup is there; how it ended when it failed. */
  async #prepare(steps: Steps): Promise<Ended | null> {
    const { home, setup: text, id: vm, job } = this.#order
    if (text.trim() === '') return null
    const holder: Holder = { pid: process.pid, vm }
    const signal = this.#signal
    const vars = this.#vars('setup', { ...steps, secrets: {} })
    const secretNames = Object.keys(steps.secrets)
    const key = await setupKey({ text, vars, secretNames, templateFolder: job.templateFolder })
    this.#setup = setupFolder(home, key)
    let ended: Ended = { exitCode: null, signal: null }
    const done = await useSetup({
      home,
      key,
      holder,
      signal,
      say: line => steps.log.say(line),
      onDead: other => this.#endOrphans(other.vm),
      build: async folder => {
        ended = await this.#run('setup', text, steps, folder)
        return ended.exitCode === 0
      },
    })
    if (done) void pruneSetups(home, holder, signal).catch(error => console.error(error))
    return done ? null : ended
  }

  async #run(phase: 'setup' | 'run', text: string, steps: Steps, cwd: string): Promise<Ended> {
    this.#signal.throwIfAborted()
    if (this.#setup && phase === 'run') await touch(this.#setup)
    const { script } = this.#folder.job(steps.id)
    const file = phase === 'run' ? script : script.replace(/run\.sh$/, 'setup.sh')
    return runScript({ text, file, cwd, vars: this.#vars(phase, steps), log: steps.log })
  }

  #vars(phase: 'setup' | 'run', { id, at, order, secrets }: Steps): Vars {
    const { base, name, ports } = this.#order
    const place: Place = { id: this.#order.id, name, bin: this.#folder.bin, ports, setup: this.#setup }
    const templated = { ...base, ...order.envs, ...secrets }
    return { ...vmVars(templated, place, order.templateFolder), ...skypilotVars(phase, place, { id, at }) }
  }
}

function howItEnded({ exitCode, signal }: Ended): string {
  if (signal) return `was ended by ${signal}`
  return exitCode === null ? 'was not run' : `ended with exit code ${exitCode}`
}
