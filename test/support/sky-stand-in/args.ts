/** The options of `sky` that the stand-in knows: SkyPilot 0.14.1, sky/client/cli/command.py. */
import { parseArgs } from 'node:util'

const text = { type: 'string' } as const
const texts = { type: 'string', multiple: true } as const
const flag = { type: 'boolean' } as const
const json = { output: { ...text, short: 'o' } } as const
const yes = { yes: { ...flag, short: 'y' } } as const
const autostop = {
  'idle-minutes-to-autostop': { ...text, short: 'i' },
  down: flag,
  'wait-for': text,
} as const

const OPTIONS = {
  launch: {
    ...yes,
    ...autostop,
    'detach-run': { ...flag, short: 'd' },
    cluster: { ...text, short: 'c' },
    secret: texts,
    config: texts,
    env: texts,
    infra: text,
    gpus: text,
    cpus: text,
    'use-spot': flag,
    dryrun: flag,
    'retry-until-up': { ...flag, short: 'r' },
    ...json,
  },
  exec: {
    ...yes,
    'detach-run': { ...flag, short: 'd' },
    cluster: { ...text, short: 'c' },
    secret: texts,
    env: texts,
  },
  down: { ...yes, all: { ...flag, short: 'a' }, purge: { ...flag, short: 'p' } },
  status: {
    ...json,
    refresh: { ...flag, short: 'r' },
    'all-users': { ...flag, short: 'u' },
    endpoint: text,
    endpoints: flag,
    verbose: { ...flag, short: 'v' },
  },
  queue: { ...json, 'skip-finished': { ...flag, short: 's' } },
  logs: { 'no-follow': flag, status: flag, tail: text, provision: flag },
  cancel: { ...yes, all: { ...flag, short: 'a' } },
  autostop: {
    ...yes,
    'idle-minutes': { ...text, short: 'i' },
    down: flag,
    'wait-for': text,
    cancel: flag,
  },
  check: { ...json, verbose: { ...flag, short: 'v' } },
  'cost-report': { ...json, days: text, all: { ...flag, short: 'a' } },
  gpus: { ...json, infra: text, 'all-regions': flag, all: { ...flag, short: 'a' } },
  api: {
    ...json,
    ...yes,
    all: { ...flag, short: 'a' },
    verbose: { ...flag, short: 'v' },
    limit: { ...text, short: 'l' },
  },
} as const

export type SkyCommand = keyof typeof OPTIONS

export interface SkyArgs {
  readonly command: SkyCommand
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>
  readonly rest: readonly string[]
}

/** @throws Error as click says it */
export function parseSkyArgs(args: readonly string[]): SkyArgs {
  const [command = '', ...others] = args
  if (!isCommand(command)) throw new Error(`Error: No such command '${command}'.`)
  try {
    const { values, positionals } = parseArgs({
      args: others,
      options: OPTIONS[command],
      allowPositionals: true,
    })
    return { command, options: values as SkyArgs['options'], rest: positionals }
  } catch (error) {
    throw new Error(`Error: No such option: ${(error as Error).message}`)
  }
}

function isCommand(command: string): command is SkyCommand {
  return Object.hasOwn(OPTIONS, command)
}
