/** The commands of `sky` that only ask or end. */
import type { SkyCommand } from './args.ts'
import type { Lease } from './cloud.ts'
import { armLease, exec, exitCodeOf, launch } from './launch.ts'
import { costEntry, doesNotExist, notFound, queueEntry, statusEntry } from './output.ts'
import { refresh, refreshAll } from './refresh.ts'
import type { Request, Server } from './server.ts'
import type { JobRecord } from './vm.ts'

type Command = (server: Server, request: Request) => Promise<number>
type Jobs = readonly Omit<JobRecord, 'process'>[]

/** Seconds, as measured. */
const STATUS_S = 3
const QUEUE_S = 3
const AUTOSTOP_S = 6
const DOWN_S = 3

export const COMMANDS: Readonly<Record<SkyCommand, Command>> = {
  launch,
  exec,
  down,
  status,
  queue,
  logs,
  cancel,
  autostop,
  check,
  'cost-report': costReport,
  gpus,
  api,
}

/** Ends VMs side by side; what it does not know is an end as well. Launches of them are cancelled. */
async function down(server: Server, request: Request): Promise<number> {
  const names = request.options.all ? server.db.all().map(({ name }) => name) : request.rest
  const codes = await Promise.all(names.map(name => downOne(server, request, name)))
  return Math.max(0, ...codes)
}

async function downOne(server: Server, request: Request, name: string): Promise<number> {
  const fault = await server.fault(request, [name])
  if (typeof fault === 'number') return fault
  await server.seconds(DOWN_S)
  if (!server.db.get(name)) {
    // Also while it is about to be launched: what has no record yet is not cancelled (sky/core.py, down).
    request.out(`${notFound(name)}Cluster(s) not found (tip: see \`sky status\`).\n`)
    return 0
  }
  for (const { cancelled } of server.launching(name)) cancelled.abort()
  try {
    await server.cloud('terminate', { name, by: request.by })
  } catch (error) {
    request.out(
      `Terminating cluster ${name}...failed. \nReason: RuntimeError: ${(error as Error).message}.\n`,
    )
    return 1
  }
  server.db.remove(name)
  request.out(fault === 'garbage' ? '\u0000{"\n' : `Terminating cluster ${name}...done.\n`)
  return 0
}

async function status(server: Server, request: Request): Promise<number> {
  const { options, rest } = request
  const fault = await server.fault(request, rest)
  if (typeof fault === 'number') return fault
  await server.seconds(STATUS_S)
  if (options.refresh) await (rest.length > 0 ? refresh(server, rest) : refreshAll(server))
  if (options.endpoint !== undefined) return endpoint(server, request, String(options.endpoint))
  for (const name of rest) if (!server.db.get(name)) request.out(notFound(name))
  const records = server.db.all().filter(({ name }) => rest.length === 0 || rest.includes(name))
  if (fault === 'garbage') request.out('Refreshing…\n[{"name": \n')
  else if (options.output === 'json') request.out(`${JSON.stringify(records.map(statusEntry), null, 2)}\n`)
  else request.out(`Clusters\n${records.map(({ name, status: now }) => `${name}  ${now}\n`).join('')}`)
  return 0
}

function endpoint(server: Server, request: Request, port: string): number {
  const [name = ''] = request.rest
  const record = server.db.get(name)
  if (record?.status !== 'UP') {
    request.err(doesNotExist(name))
    return 1
  }
  request.out(`${record.address}:${port}\n`)
  return 0
}

async function queue(server: Server, request: Request): Promise<number> {
  const fault = await server.fault(request, request.rest)
  if (typeof fault === 'number') return fault
  await server.seconds(QUEUE_S)
  const all: Record<string, unknown[]> = {}
  for (const name of request.rest) {
    request.out(`Fetching job queue for: ${name}\n`)
    if (server.db.get(name)) all[name] = (await jobsOf(server, name)).toReversed().map(queueEntry)
    else request.out(`Failed to get the job queue for cluster '${name}'.\n  ${doesNotExist(name)}`)
  }
  request.out(fault === 'garbage' ? '{"' : `${JSON.stringify(all, null, 2)}\n`)
  return 0
}

async function logs(server: Server, request: Request): Promise<number> {
  const { options, rest } = request
  const [name = '', number] = rest
  if (!server.db.get(name)) {
    request.err(doesNotExist(name))
    return 1
  }
  await server.seconds(QUEUE_S)
  const jobs = await jobsOf(server, name)
  const job = number === undefined ? jobs.at(-1) : jobs.find(({ id }) => id === Number(number))
  if (options.status) {
    request.out(`Getting job status...\nJob ${number ?? job?.id}: ${job?.status ?? 'None'}\n`)
    return exitCodeOf(job?.status)
  }
  request.out(`Tailing logs of job ${number ?? 'last'} on cluster '${name}'...\n`)
  if (!job) {
    request.out(`Job ${number} not found (see \`sky queue\`).\n`)
    return 102
  }
  if (!options['no-follow']) await server.cloud('jobEnd', { name, job: job.id })
  request.out(await server.cloud<string>('log', { name, job: job.id }))
  const now = (await jobsOf(server, name)).find(({ id }) => id === job.id)?.status
  return now === 'RUNNING' || now === 'SETTING_UP' ? 0 : exitCodeOf(now)
}

async function cancel(server: Server, request: Request): Promise<number> {
  const [name = '', ...jobs] = request.rest
  for (const job of jobs) await server.cloud('cancelJob', { name, job: Number(job) })
  return 0
}

async function autostop(server: Server, request: Request): Promise<number> {
  const { options, rest } = request
  const fault = await server.fault(request, rest)
  if (typeof fault === 'number') return fault
  const order: Lease = {
    minutes: options.cancel ? -1 : Number(options['idle-minutes'] ?? 5),
    down: options.down === true,
    waitFor: (options['wait-for'] as Lease['waitFor'] | undefined) ?? 'jobs_and_ssh',
  }
  const codes = await Promise.all(rest.map(name => autostopOne(server, request, name, order)))
  return Math.max(0, ...codes)
}

async function autostopOne(server: Server, request: Request, name: string, order: Lease): Promise<number> {
  const record = server.db.get(name)
  if (!record) {
    request.out(notFound(name))
    return 0
  }
  await server.seconds(AUTOSTOP_S)
  if (record.status !== 'UP') {
    request.out(`sky.exceptions.ClusterNotUpError: Cluster '${name}' is not up.\n`)
    return 1
  }
  try {
    await armLease(server, name, order)
  } catch (error) {
    request.out(`Scheduling autodown cluster ${name}...failed. \nReason: ${(error as Error).message}.\n`)
    return 1
  }
  const minutes = `${order.minutes} minute${order.minutes === 1 ? '' : 's'}`
  request.out(
    `Scheduling autodown cluster '${name}'...done\n  The cluster will be autodowned after ${minutes} of idleness.\n`,
  )
  return 0
}

async function check(server: Server, request: Request): Promise<number> {
  const fault = await server.fault(request, [])
  if (typeof fault === 'number') return fault
  await server.seconds(STATUS_S)
  const clouds = request.rest.length > 0 ? request.rest : ['aws']
  if (request.options.output === 'json') {
    const enabled = Object.fromEntries(clouds.map(cloud => [cloud.toUpperCase(), ['compute', 'storage']]))
    request.out(`${JSON.stringify({ default: enabled }, null, 2)}\n`)
  } else {
    request.out(`🎉 Enabled infra 🎉\n${clouds.map(cloud => `  ${cloud} [compute, storage]\n`).join('')}`)
  }
  return 0
}

async function costReport(server: Server, request: Request): Promise<number> {
  await server.seconds(STATUS_S)
  request.out(`${JSON.stringify(server.db.all().map(costEntry), null, 2)}\n`)
  return 0
}

/** `gpus list NAME:COUNT`: one offer in one region. */
async function gpus(server: Server, request: Request): Promise<number> {
  await server.seconds(STATUS_S)
  const [name = 'L4', count = '1'] = (request.rest[1] ?? '').split(':')
  const offer = {
    cloud: 'AWS',
    instance_type: 'g6.xlarge',
    accelerator_name: name,
    accelerator_count: Number(count),
    cpu_count: 4,
    device_memory: 24,
    memory: 16,
    price: 0.8,
    spot_price: 0.3,
    region: 'us-east-1',
  }
  request.out(`${JSON.stringify({ [name]: [offer] }, null, 2)}\n`)
  return 0
}

/** `api stop` is the server's own. */
async function api(server: Server, request: Request): Promise<number> {
  const [what, ...ids] = request.rest
  if (what === 'cancel') {
    for (const { id, command, cancelled } of server.requests) {
      if (command !== 'api' && (request.options.all || ids.some(prefix => id.startsWith(prefix)))) {
        cancelled.abort()
      }
    }
  }
  if (what === 'status') {
    const rows = [...server.requests].filter(({ command }) => command !== 'api')
    const json = rows.map(({ id, command, options }) => ({
      request_id: id,
      name: `sky.${command}`,
      cluster_name: options.cluster ?? null,
      status: 'RUNNING',
    }))
    request.out(`${JSON.stringify(json, null, 2)}\n`)
  }
  if (what === 'start' || what === 'info') request.out('SkyPilot API server: http://127.0.0.1:46580\n')
  return 0
}

function jobsOf(server: Server, name: string): Promise<Jobs> {
  return server.cloud<Jobs>('jobs', { name })
}
