/** `sky launch` and `sky exec`: a task file becomes a machine with a job. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import type { Lease } from './cloud.ts'
import { consideredResources, launched } from './output.ts'
import type { Request, Server } from './server.ts'

interface TaskFile {
  readonly name?: string
  readonly setup?: string
  readonly run?: string
  readonly workdir?: string
  readonly file_mounts?: Readonly<Record<string, string>>
  readonly envs?: Readonly<Record<string, string | number | null>>
  readonly secrets?: Readonly<Record<string, string | number | null>>
  readonly resources?: {
    readonly infra?: string
    readonly cloud?: string
    readonly use_spot?: boolean
    readonly accelerators?: string | Readonly<Record<string, number>>
    readonly labels?: Readonly<Record<string, string>>
    readonly autostop?: {
      readonly idle_minutes?: number
      readonly down?: boolean
      readonly wait_for?: Lease['waitFor']
    }
    readonly any_of?: readonly { readonly infra?: string; readonly use_spot?: boolean }[]
    readonly ordered?: readonly { readonly infra?: string; readonly use_spot?: boolean }[]
  }
}

/** Seconds, as measured, beside provisioning. */
const OPTIMIZE_S = 4
const SYNC_S = 3
const SUBMIT_S = 4

export async function launch(server: Server, request: Request): Promise<number> {
  const [file = ''] = request.rest
  const name = String(request.options.cluster ?? 'sky-cmd')
  const task = await readTask(path.resolve(request.cwd, file))
  request.out(`YAML to run: ${file}\n`)
  const variables = variablesOf(task, request)
  if (request.options.dryrun) {
    request.out(`${consideredResources(placeOf(task).infra, null)}Dryrun finished.\n`)
    return 0
  }
  request.out(`Running on cluster: ${name}\n`)
  const { signal } = request.cancelled
  const fault = await server.fault(request, [name])
  if (fault === 'garbage') request.out('\u0000\u001b[31m}{"cluster": [\n')
  else if (fault !== null) return fault
  const job = await server.alone(name, async () => {
    await provision(server, request, name, task)
    await server.seconds(SYNC_S, signal)
    await server.cloud('sync', { name, mounts: mountsOf(task, request.cwd) })
    request.out('⚙︎ Syncing files.\n')
    await server.seconds(SUBMIT_S, signal)
    const number = await server.cloud<number>('submit', { name, task: { ...scripts(task), variables } })
    const lease = leaseOf(task, request)
    if (lease) await armLease(server, name, lease)
    return number
  })
  if (task.setup) request.out('✓ Setup detached.\n')
  if (fault !== 'garbage') request.out(launched(name, job))
  return request.options['detach-run'] ? 0 : await jobCode(server, request, name, job)
}

/** Makes a machine unless there is one; a launch that is cancelled leaves what it has begun. */
async function provision(server: Server, request: Request, name: string, task: TaskFile): Promise<void> {
  const { signal } = request.cancelled
  signal.throwIfAborted()
  if (server.db.get(name)?.status === 'UP') return
  const { infra, spot } = placeOf(task)
  const labels = task.resources?.labels ?? {}
  const { accelerators } = task.resources ?? {}
  const gpus =
    accelerators === undefined
      ? null
      : typeof accelerators === 'string'
        ? accelerators
        : JSON.stringify(accelerators)
  request.out(consideredResources(infra, gpus))
  await server.seconds(OPTIMIZE_S, signal)
  const now = Date.now()
  const record = { name, launchedAt: Math.floor(now / 1000), infra, spot, accelerators: gpus, labels }
  server.db.set({ ...record, status: 'INIT', autostop: -1, toDown: false, address: '' })
  request.out(`⚙︎ Launching on ${infra}.\n`)
  const created = server.cloud<{ address: string }>('create', { name, labels, spot })
  created.catch(() => {}) // Told below, unless it was cancelled before.
  let address: string
  try {
    ;({ address } = await untilAborted(created, signal))
  } catch (error) {
    // What the cloud refused leaves nothing behind.
    if (!signal.aborted) server.db.remove(name)
    throw error
  }
  server.db.update(name, { status: 'UP', address })
  server.db.writeSshConfig(name, address)
  request.out(`└── Instance is up.\n✓ Cluster launched: ${name}.  View logs: sky logs --provision ${name}\n`)
}

/** `sky exec`: no setup, no new machine. */
export async function exec(server: Server, request: Request): Promise<number> {
  const [first = '', second = ''] = request.rest
  const name = String(request.options.cluster ?? first)
  const command = request.options.cluster === undefined ? second : first
  if (!server.db.get(name)) {
    request.err(`sky.exceptions.ClusterDoesNotExist: Cluster '${name}' does not exist.\n`)
    return 1
  }
  const task: TaskFile = /\.ya?ml$/.test(command)
    ? await readTask(path.resolve(request.cwd, command))
    : { run: command }
  request.out(`Command to run: ${command}\nSubmitting job to cluster: ${name}\n`)
  await server.seconds(OPTIMIZE_S + SUBMIT_S)
  const variables = variablesOf(task, request)
  const { run, name: taskName } = scripts(task)
  const job = await server.cloud<number>('submit', {
    name,
    task: { name: taskName, setup: '', run, variables },
  })
  request.out(launched(name, job))
  return request.options['detach-run'] ? 0 : await jobCode(server, request, name, job)
}

export async function armLease(server: Server, name: string, order: Lease): Promise<void> {
  await server.cloud('lease', { name, order })
  server.db.update(name, { autostop: order.minutes, toDown: order.down })
}

/** Streams the log to the end; 100 when the job failed. */
async function jobCode(server: Server, request: Request, name: string, job: number): Promise<number> {
  await server.cloud('jobEnd', { name, job })
  request.out(await server.cloud<string>('log', { name, job }))
  const jobs = await server.cloud<readonly { id: number; status: string }[]>('jobs', { name })
  const status = jobs.find(({ id }) => id === job)?.status ?? 'FAILED'
  request.out(`✓ Job finished (status: ${status}).\n`)
  return exitCodeOf(status)
}

/** sky/exceptions.py, JobExitCode. */
export function exitCodeOf(status: string | undefined): number {
  if (status === undefined) return 102
  if (status === 'SUCCEEDED') return 0
  if (status === 'CANCELLED') return 103
  return status.startsWith('FAILED') ? 100 : 101
}

async function readTask(file: string): Promise<TaskFile> {
  return parse(await readFile(file, 'utf8')) as TaskFile
}

function scripts({ name = 'sky-cmd', setup = '', run = '' }: TaskFile) {
  return { name, setup, run }
}

/** @throws Error for an env without a value; a secret may have none */
function variablesOf(task: TaskFile, { options, given }: Request): Record<string, string> {
  const flags = [...list(options.env), ...list(options.secret)].map(text => {
    const [name = '', ...value] = text.split('=')
    return [name, text.includes('=') ? value.join('=') : (given[name] ?? '')] as const
  })
  const set = Object.fromEntries(flags)
  const envs = Object.entries({ ...task.envs, ...set })
  const missing = envs.filter(([, value]) => value === null).map(([name]) => name)
  if (missing.length > 0) {
    throw new Error(
      `ValueError: Environment variable ${missing.join(', ')} is None. Please set a value for it in task YAML or with --env flag.`,
    )
  }
  const secrets = Object.entries({ ...task.secrets, ...set }).filter(([, value]) => value !== null)
  return Object.fromEntries([...envs, ...secrets].map(([name, value]) => [name, String(value)]))
}

function list(value: unknown): readonly string[] {
  return Array.isArray(value) ? value : []
}

function leaseOf({ resources }: TaskFile, { options }: Request): Lease | null {
  const minutes = options['idle-minutes-to-autostop']
  const inFile = resources?.autostop
  if (minutes === undefined && !inFile) return null
  return {
    minutes: Number(minutes ?? inFile?.idle_minutes ?? 5),
    down: options.down === true || inFile?.down === true,
    // A flag of the command line keeps what the file says.
    waitFor: (options['wait-for'] as Lease['waitFor'] | undefined) ?? inFile?.wait_for ?? 'jobs_and_ssh',
  }
}

function placeOf({ resources }: TaskFile): { infra: string; spot: boolean } {
  const [choice] = resources?.ordered ?? resources?.any_of ?? []
  const infra = choice?.infra ?? resources?.infra ?? resources?.cloud ?? 'aws'
  return { infra, spot: choice?.use_spot ?? resources?.use_spot ?? false }
}

function mountsOf({ file_mounts, workdir }: TaskFile, cwd: string): (readonly [string, string])[] {
  const mounts = Object.entries(file_mounts ?? {}).map(([to, from]) => [path.resolve(cwd, from), to] as const)
  return [...(workdir ? [[path.resolve(cwd, workdir), '~/sky_workdir'] as const] : []), ...mounts]
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(new Error('sky.exceptions.RequestCancelled: the request was cancelled'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
