import { parseArgs } from 'node:util'
import { InputError, type Problem } from '../errors.ts'
import type { PublishedPort, PublishOptions } from './types.ts'

/** Of both `server` and `agent`. */
interface CommonOptions {
  /** VM name; null: as SkyPilot calls it. */
  readonly name: string | null
  /** Null: as the cloud says. */
  readonly publicIp: string | null
  /** Bytes, of the narrowest path to another VM; null: as this VM's own interface. */
  readonly mtu: number | null
  /** Docker's containers are to know the mesh's names, too. */
  readonly containers: boolean
  /** Only say what would be done. */
  readonly dryRun: boolean
}

export interface ServerOptions extends CommonOptions {
  /** For how long a token lets VMs in that are launched by hand; main makes the next one before. */
  readonly ttlSeconds: number
}

export interface AgentOptions extends CommonOptions {
  readonly publish: PublishOptions
  readonly ranks: 'head' | 'all'
  readonly models: boolean
  readonly apiKeyFile: string | null
}

const COMMON = {
  name: { type: 'string' },
  'public-ip': { type: 'string' },
  mtu: { type: 'string' },
  containers: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
} as const
const SERVER = { ...COMMON, ttl: { type: 'string' } } as const
const AGENT = {
  ...COMMON,
  port: { type: 'string', multiple: true },
  health: { type: 'string' },
  headless: { type: 'boolean' },
  ranks: { type: 'string' },
  'no-models': { type: 'boolean' },
  'api-key-file': { type: 'string' },
} as const

export const USAGE = `Makes this VM a part of an LMRun mesh: docs/mesh.md

  k3s_server [--ttl 24h]
  k3s_agent  [--port N | --port NAME=PORT …] [--health PATH] [--headless] [--ranks head|all]
             [--no-models] [--api-key-file FILE]

  --port N            shows a port of this VM to the mesh, as <VM name>.default.svc.cluster.local
  --health PATH       answers 200 when the service is healthy (/health); empty: a connection is enough
  --no-models         does not ask /v1/models for the VM's name before the service counts as ready
  --api-key-file FILE holds the key that /v1/models wants
  --headless          no address of its own: the name resolves to the VMs themselves
  --ranks             of a VM of several nodes, which publish: head, or all that are healthy
  --ttl               for how long a token for VMs that are launched by hand lives: 90m, 24h, 7d
  --mtu BYTES         of the narrowest path between VMs, where something drops larger packets silently
  --containers        Docker's containers know the mesh's names, too; restarts a Docker that runs
  --name, --public-ip what SkyPilot and the cloud say otherwise
  --dry-run           says what would be done
  status | leave      what this VM is in its mesh; takes it out, and all that was installed for it
`

/** @throws InputError */
export function readServerOptions(args: readonly string[]): ServerOptions {
  const problems: Problem[] = []
  const values = parse(args, SERVER)
  const ttlSeconds = readDuration('--ttl', values.ttl ?? '24h', problems)
  return done({ ...common(values, problems), ttlSeconds }, problems)
}

/** @throws InputError */
export function readAgentOptions(args: readonly string[]): AgentOptions {
  const problems: Problem[] = []
  const values = parse(args, AGENT)
  const ports = readPorts(values.port ?? [], problems)
  const { health = '/health', ranks = 'head', headless = false } = values
  if (health !== '' && !/^\/[\x21-\x7e]*$/.test(health)) {
    problems.push({
      where: '--health',
      what: `${health} is no path`,
      allowed: 'It begins with /, as /health.',
    })
  }
  if (ranks !== 'head' && ranks !== 'all') {
    problems.push({ where: '--ranks', what: `there is no ${ranks}`, allowed: 'There are head and all.' })
  }
  const publishing = ['health', 'headless', 'ranks', 'no-models', 'api-key-file'] as const
  for (const flag of publishing.filter(flag => values[flag] !== undefined && ports.length === 0)) {
    problems.push({
      where: `--${flag}`,
      what: 'nothing is shown to the mesh',
      allowed: 'It goes with --port.',
    })
  }
  return done(
    {
      ...common(values, problems),
      publish: { ports, health, headless },
      ranks: ranks === 'all' ? 'all' : 'head',
      models: !values['no-models'],
      apiKeyFile: values['api-key-file'] ?? null,
    },
    problems,
  )
}

function parse<T extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values
  } catch (cause) {
    const what = (cause as Error).message.split('. ')[0] ?? ''
    const allowed = `The options are ${Object.keys(options ?? {})
      .map(name => `--${name}`)
      .join(', ')}.`
    throw new InputError([{ where: 'options', what, allowed }], { cause })
  }
}

interface CommonValues {
  readonly name?: string | undefined
  readonly 'public-ip'?: string | undefined
  readonly mtu?: string | undefined
  readonly containers?: boolean | undefined
  readonly 'dry-run'?: boolean | undefined
}

function common(values: CommonValues, problems: Problem[]): CommonOptions {
  const { name = null, 'public-ip': publicIp = null } = values
  if (publicIp !== null && !/^\d{1,3}(\.\d{1,3}){3}$/.test(publicIp)) {
    problems.push({
      where: '--public-ip',
      what: `${publicIp} is no IPv4 address`,
      allowed: 'As 203.0.113.7.',
    })
  }
  const { containers = false, 'dry-run': dryRun = false } = values
  return { name, publicIp, mtu: readMtu(values.mtu, problems), containers, dryRun }
}

/** WireGuard takes 80 bytes of each packet, and IPv4 promises 576. */
function readMtu(text: string | undefined, problems: Problem[]): number | null {
  if (text === undefined) return null
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (mtu < 656 || mtu > 9001)
    problems.push({ where: '--mtu', what: `${text} is no MTU`, allowed: 'Bytes, from 656 to 9001.' })
  return mtu
}

/** Kubernetes' rules: https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports */
function readPorts(texts: readonly string[], problems: Problem[]): PublishedPort[] {
  const ports = texts.map(text => {
    const [, name = 'http', digits = ''] = /^(?:([^=]*)=)?(.*)$/.exec(text) ?? []
    return { text, name, port: /^\d{1,5}$/.test(digits) ? Number(digits) : 0, named: text.includes('=') }
  })
  for (const { text, name, port, named } of ports) {
    const where = `--port ${text}`
    if (port < 1 || port > 65_535)
      problems.push({ where, what: 'is no port', allowed: 'A number from 1 to 65535, or NAME=PORT.' })
    if (!/^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
      problems.push({
        where,
        what: `${name} is no name of a port`,
        allowed: 'Up to 15 lowercase letters, digits and single dashes, as in metrics=9090.',
      })
    if (ports.length > 1 && !named)
      problems.push({ where, what: 'has no name', allowed: 'More than one are NAME=PORT, as in api=8000.' })
  }
  for (const key of ['name', 'port'] as const) {
    const twice = ports.find((one, index) => ports.findIndex(other => other[key] === one[key]) !== index)
    if (twice && (key === 'port' || twice.named))
      problems.push({
        where: `--port ${twice.text}`,
        what: `the ${key} is there twice`,
        allowed: 'Once each.',
      })
  }
  return ports.map(({ name, port }) => ({ name, port }))
}

const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 }
const SHORTEST = 600
const LONGEST = 30 * 86_400

function readDuration(where: string, text: string, problems: Problem[]): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const seconds = Number(number) * (SECONDS[unit] ?? 0)
  if (seconds < SHORTEST || seconds > LONGEST)
    problems.push({
      where,
      what: `${text} is not allowed`,
      allowed: 'From 10m to 30d, as in 90m, 24h or 7d.',
    })
  return seconds
}

function done<T>(options: T, problems: readonly Problem[]): T {
  if (problems.length > 0) throw new InputError(problems)
  return options
}
