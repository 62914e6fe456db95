/** Runs of the built action and command line whose VMs are the lab's. */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setInterval, setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { packageRoot } from '../../../src/env.ts'
import type { ServerMode, WorldRun } from '../e2e.ts'
import { processesWith } from '../processes.ts'
import { INFRA, type LabUser } from './lab.ts'

const root = packageRoot()

/** A launch and its way through the queue of launches, on a busy machine. */
const SEEN_WITHIN_MS = 600_000

export interface SkyRun extends Omit<WorldRun, 'servers'> {
  /** Workflow run id: VM names come from it. */
  readonly id: string
  /** How the echoing server of model `a` behaves; the real one with SmolLM2 when absent. */
  readonly server?: ServerMode
}

/** The run's options for a `World`. */
export async function inLab(user: LabUser, { id, server, ...run }: SkyRun): Promise<WorldRun> {
  const inputs = server === undefined ? realModel() : await echo(user, server)
  return {
    ...run,
    env: { ...user.env, GITHUB_RUN_ID: id, ...run.env },
    inputs: { infra: INFRA, 'lease-minutes': '5', 'max-minutes': '15', ...inputs, ...run.inputs },
  }
}

function realModel() {
  return {
    models: 'smol: SmolLM2-135M-Instruct',
    'server-template': path.join(root, 'test/fixtures/templates/slurm-model-server.yaml'),
    questions: 'smoke',
    benchmark: 'live_bench/math live_bench/instruction_following',
    'max-tokens': '32',
  }
}

/** Where the VMs' user can read it, which a checkout may not be. */
async function echo({ lab }: LabUser, mode: ServerMode) {
  const folder = path.join(lab, 'stand-in')
  await mkdir(folder, { recursive: true })
  for (const file of ['openai-server.ts', 'openai-stand-in.ts']) {
    await cp(path.join(root, 'test/support', file), path.join(folder, file))
  }
  const environment = {
    NODE: path.join(lab, 'node', 'node'),
    STAND_IN: path.join(folder, 'openai-server.ts'),
    MODE: mode,
    STUBBORN: '',
  }
  return {
    models: JSON.stringify({ a: { model: 'acme/echo-1', environment } }),
    questions: path.join(root, 'test/fixtures/echo-questions'),
    // That of questions of one's own installs LiveBench from its repository.
    'client-template': path.join(root, 'templates/smoke-client.yaml'),
    'server-template': path.join(root, 'test/fixtures/templates/fake-server.yaml'),
  }
}

/** A server template of the test's own. */
export async function template(user: LabUser, name: string, content: Readonly<Record<string, unknown>>) {
  const file = path.join(user.home, `${name}.yaml`)
  await writeFile(file, stringify({ resources: { cpus: 1, ports: [8000] }, ...content }))
  return file
}

/** Looks again and again whether a text stands in a command line on this machine; `seen` has those that held it. */
export function watchArgv(text: string): AsyncDisposable & { readonly seen: readonly string[] } {
  const seen: string[] = []
  const over = new AbortController()
  const work = (async () => {
    for await (const _ of setInterval(100, undefined, { signal: over.signal })) {
      const found = processesWith(text).filter(({ command }) => command.includes(text))
      seen.push(...found.map(({ command }) => command))
    }
  })().catch(() => {})
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      over.abort()
      await work
    },
  }
}

/** Resolves with the name of the VM of a model key (or `client`), once Slurm runs it. */
export async function machine(user: LabUser, key: string): Promise<string> {
  return until(`there is a VM of ${key}`, async () =>
    (await user.machines()).find(name => name.startsWith(`${key}-`)),
  )
}

/** Of VMs alone: what else `sky status` lists makes it ask six times. */
const STATUS = [
  ...['status', '-o', 'json'],
  ...['--no-show-managed-jobs', '--no-show-services', '--no-show-pools'],
] as const

interface KnownVm {
  readonly name: string
  readonly status: string
  /** Minutes; -1: none. */
  readonly autostop: number
}

/** What SkyPilot knows. It may say before that it starts its server, and may give that up on a busy machine. */
export async function known(user: LabUser): Promise<readonly KnownVm[]> {
  const list = async () => /^\[[\s\S]*/m.exec(await user.sky(...STATUS))?.[0]
  return JSON.parse(await until('sky status lists VMs', list, { everyMs: ASK_SKY_MS }))
}

/** Between two looks at what `sky` says: a call of it takes seconds of a whole core. */
export const ASK_SKY_MS = 10_000

/** Starts the user's API server. SkyPilot gives it one minute for that, and a busy machine may need more. */
export async function startServer(user: LabUser): Promise<void> {
  const started = async () =>
    (await user.sky('api', 'start')).includes('SkyPilot API server and dashboard') || undefined
  await until('the API server answers', started, { everyMs: ASK_SKY_MS })
}

/** Resolves with the first answer that is not undefined. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { withinMs = SEEN_WITHIN_MS, everyMs = 1000 } = {},
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`still not after ${withinMs / 1000} s: ${what}`)
    await sleep(everyMs)
  }
}
