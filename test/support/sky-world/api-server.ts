import type { SkyReply } from '../../../src/fleet/sky/types.ts'
import type { SkyArgs } from '../sky-stand-in/args.ts'
import type { ClusterRecord } from '../sky-stand-in/db.ts'
import { consideredResources, launched, notFound, queueEntry, statusEntry } from '../sky-stand-in/output.ts'
import { ApiSteps, aborted, ERRORS, HANGS, UNREACHABLE_S } from './api-steps.ts'
import type { Ender } from './ledger.ts'
import type { Machine } from './machine.ts'
import { runLaunched } from './program.ts'
import { awaitedFile, readTaskFile } from './task-file.ts'
import type { SkyWorld, Trouble } from './world.ts'

/** One call, as it reaches the API server. */
export interface SkyRequest {
  readonly args: SkyArgs
  /** Whom the ledger names for what it ends. */
  readonly ender: Ender
}

type Known = Pick<
  ClusterRecord,
  'name' | 'launchedAt' | 'autostop' | 'toDown' | 'infra' | 'spot' | 'accelerators' | 'labels'
> & { status: 'INIT' | 'UP'; readonly machine: Machine | null }

/** A launch that goes on. */
interface Launch {
  readonly cancelled: AbortController
  status: 'PENDING' | 'RUNNING'
}

/**
 * SkyPilot's API server: it goes on with what it was asked, whether the command that asked still lives or not, and
 * knows of its VMs what it saw last.
 */
export class ApiServer {
  readonly #world: SkyWorld
  readonly #steps: ApiSteps
  readonly #records = new Map<string, Known>()
  readonly #launches = new Map<string, Launch>()

  constructor(world: SkyWorld) {
    this.#world = world
    this.#steps = new ApiSteps(world)
    world.clock.every(world.durations.refresh * 1000, () => this.#refresh())
  }

  async answer(request: SkyRequest): Promise<SkyReply> {
    const { args } = request
    const said = `sky ${args.command} ${args.rest.map(word => word.split('/').at(-1)).join(' ')}`
    this.#world.tell(`${request.ender}: ${said}`)
    const reply = await this.#answer(request)
    this.#world.tell(`${said}: ${reply.exitCode}`)
    return reply
  }

  async #answer({ args, ender }: SkyRequest): Promise<SkyReply> {
    const { command, rest } = args
    const { faults, random, shared, runner } = this.#world
    const name = command === 'launch' ? String(args.options.cluster) : rest.join(' ')
    const trouble = faults.command?.(command, name, random) ?? null
    try {
      if (shared && !runner.online) {
        await this.#steps.seconds(UNREACHABLE_S)
        throw new Error('Could not connect to SkyPilot API server')
      }
      if (trouble === 'hang' && command !== 'launch') return await HANGS
      const reply = await this.#run(args, name, ender, trouble === 'garbage' ? null : trouble)
      return trouble === 'garbage' ? said(0, '\u001b[31m}{"cluster": [\n') : reply
    } catch (error) {
      return { exitCode: 1, stdout: '', stderr: `${(error as Error).message}\n` }
    }
  }

  #run(args: SkyArgs, name: string, ender: Ender, trouble: SkyTrouble): Promise<SkyReply> {
    const { command, rest } = args
    if (command === 'launch') return this.#launch(args, name, trouble)
    if (trouble && trouble !== 'hang') throw new Error(ERRORS[trouble])
    if (command === 'down') return this.#down(rest, ender)
    if (command === 'autostop') return this.#autostop(args)
    if (command === 'status') return this.#status(args)
    if (command === 'queue') return this.#queue(name)
    if (command === 'logs') return this.#logs(rest)
    if (command === 'api') return this.#requests(rest)
    if (command === 'cost-report') return Promise.resolve(said(0, '[]\n'))
    return Promise.resolve(said(0, ''))
  }

  async #launch(args: SkyArgs, name: string, trouble: SkyTrouble): Promise<SkyReply> {
    const { durations } = this.#world
    const [file = ''] = args.rest
    const task = readTaskFile(file)
    if (args.options.dryrun) {
      await this.#steps.seconds(durations.optimize)
      return said(0, `${consideredResources('aws/us-east-1', null)}Dryrun finished.\n`)
    }
    const cancelled = new AbortController()
    const launch: Launch = { cancelled, status: 'PENDING' }
    this.#launches.set(name, launch)
    try {
      await this.#steps.seconds(this.#world.faults.queue?.(this.#world.random) ?? 0, cancelled.signal)
      launch.status = 'RUNNING'
      await this.#steps.cloud(durations.optimize, cancelled.signal)
      if (trouble && trouble !== 'arm' && trouble !== 'hang') throw new Error(ERRORS[trouble])
      const machine = await this.#provision(name, task, cancelled.signal)
      await this.#steps.cloud(durations.sync, cancelled.signal)
      if (trouble === 'hang') await aborted(cancelled.signal)
      if (trouble === 'arm') throw new Error(ERRORS[trouble])
      await this.#steps.cloud(durations.arm, cancelled.signal)
      this.#arm(name, Number(args.options['idle-minutes-to-autostop']))
      await this.#steps.cloud(durations.submit, cancelled.signal)
      void runLaunched(this.#world, machine, {
        ...task,
        leaseMinutes: this.#records.get(name)?.autostop ?? 0,
        awaits: awaitedFile(args),
      })
      const offers = consideredResources('aws/us-east-1', task.accelerators)
      return said(0, `${offers}Running on cluster: ${name}\n${launched(name, 1)}`)
    } finally {
      if (this.#launches.get(name) === launch) this.#launches.delete(name)
    }
  }

  async #provision(
    name: string,
    task: ReturnType<typeof readTaskFile>,
    signal: AbortSignal,
  ): Promise<Machine> {
    const { durations } = this.#world
    const launchedAt = Math.floor(this.#world.clock.now() / 1000)
    const { gpu, spot, labels, accelerators } = task
    const machine = this.#world.create({ name, gpu, spot, labels })
    const record = {
      name,
      launchedAt,
      autostop: -1,
      toDown: false,
      infra: 'aws/us-east-1',
      spot,
      accelerators,
      labels,
    }
    this.#records.set(name, { ...record, status: 'INIT', machine })
    await this.#steps.cloud(gpu ? durations.provisionGpu : durations.provisionCpu, signal)
    if (machine.gone.aborted) throw new Error(ERRORS.network)
    machine.up = true
    this.#change(name, { status: 'UP' })
    return machine
  }

  #arm(name: string, minutes: number): void {
    this.#records.get(name)?.machine?.setLease(minutes)
    this.#change(name, { autostop: minutes, toDown: true })
  }

  /**
   * Also during a launch, which it cancels. Zero for a name that nobody knows; one whose launch has made no record yet
   * is such a name, and its launch goes on (sky/core.py, down).
   */
  async #down(names: readonly string[], ender: Ender): Promise<SkyReply> {
    const { durations } = this.#world
    const known = names.filter(name => this.#records.has(name))
    if (known.length === 0) return said(0, names.map(notFound).join(''))
    for (const name of known) {
      this.#launches.get(name)?.cancelled.abort(new Error(`launch of ${name} was cancelled`))
    }
    await this.#steps.cloud(durations.downAsk)
    for (const name of known) this.#records.get(name)?.machine?.end(ender)
    await this.#steps.cloud(durations.downRest)
    for (const name of known) this.#records.delete(name)
    return said(0, known.map(name => `Terminating cluster ${name}...done.\n`).join(''))
  }

  async #autostop({ options, rest }: SkyArgs): Promise<SkyReply> {
    await this.#steps.cloud(this.#world.durations.autostop)
    const unknown = rest.filter(name => this.#records.get(name)?.status !== 'UP')
    for (const name of rest.filter(name => !unknown.includes(name))) {
      if (this.#records.get(name)?.machine?.gone.aborted) throw new Error(ERRORS.network)
      this.#arm(name, Number(options['idle-minutes']))
    }
    return said(0, unknown.map(notFound).join(''))
  }

  /** From memory, which lags behind the cloud; with -r it looks. */
  async #status({ options, rest }: SkyArgs): Promise<SkyReply> {
    await this.#steps.seconds(this.#world.durations.status)
    if (options.refresh) {
      await this.#steps.cloud(2)
      this.#refresh()
    }
    const records = [...this.#records.values()].filter(({ name }) => rest.length === 0 || rest.includes(name))
    const unknown = rest.filter(name => !this.#records.has(name))
    if (options.endpoint) return said(0, `10.0.0.1:${options.endpoint}\n`)
    const entries = records.map(({ machine: _, ...record }) => statusEntry({ ...record, address: '' }))
    return said(0, `${unknown.map(notFound).join('')}${JSON.stringify(entries, null, 2)}\n`)
  }

  async #queue(name: string): Promise<SkyReply> {
    await this.#steps.cloud(this.#world.durations.queue)
    const machine = this.#records.get(name)?.machine
    if (!machine) return said(0, `Fetching job queue for: ${name}\n{}\n`)
    if (machine.gone.aborted) throw new Error(ERRORS.network)
    const jobs = [...machine.jobs.values()].map(({ id, state, submittedAt, startedAt, endedAt }) =>
      queueEntry({
        id,
        name: 'job',
        submittedAt,
        startedAt,
        endedAt,
        status: state.status,
        logPath: '~/sky_logs/1',
      } as Parameters<typeof queueEntry>[0]),
    )
    return said(0, `Fetching job queue for: ${name}\n${JSON.stringify({ [name]: jobs }, null, 2)}\n`)
  }

  async #logs([name = '', id = '1']: readonly string[]): Promise<SkyReply> {
    await this.#steps.cloud(this.#world.durations.queue)
    const job = this.#records.get(name)?.machine?.jobs.get(Number(id))
    return job ? said(0, `${job.log.join('\n')}\n`) : said(102, '')
  }

  /** Launches that go on; `api stop` has none. */
  async #requests([what]: readonly string[]): Promise<SkyReply> {
    await this.#steps.seconds(1)
    if (what !== 'status') return said(0, '')
    const requests = [...this.#launches].map(([name, { status }]) => ({
      request_id: `launch-of-${name}`,
      name: 'sky.launch',
      status,
      cluster_name: name,
    }))
    return said(0, `${JSON.stringify(requests)}\n`)
  }

  /** Forgets the VMs that the cloud does not have any more. */
  #refresh(): void {
    if (!this.#steps.alive) return
    for (const [name, { machine }] of this.#records) if (machine?.gone.aborted) this.#records.delete(name)
  }

  #change(name: string, change: Partial<Known>): void {
    const record = this.#records.get(name)
    if (record) this.#records.set(name, { ...record, ...change })
  }
}

type SkyTrouble = Exclude<Trouble, 'garbage'> | null

function said(exitCode: number, stdout: string): SkyReply {
  return { exitCode, stdout, stderr: '' }
}
