import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Env } from '../../../src/env.ts'
import { packageRoot } from '../../../src/env.ts'
import { type Fleet, type LaunchRequest, NO_RESOURCES, type Task } from '../../../src/fleet/fleet.ts'
import { vmFolder } from '../../../src/fleet/local/folder.ts'
import type { Runtime } from '../../../src/fleet/local/launch.ts'
import { createLocalFleet, type LocalFleetOptions } from '../../../src/fleet/local/local.ts'
import { listProcesses, type Process } from '../../../src/fleet/local/processes.ts'
import { idPrefix, readKeeper } from '../../../src/fleet/local/records.ts'

/** A fleet in a temporary home of its own; leaving the scope ends all of its VMs. */
export interface TestFleet extends AsyncDisposable {
  readonly fleet: Fleet
  readonly home: string
  readonly runtime: Runtime
  /** Writes a template and gives the request that launches it. */
  readonly request: (name: string, template: string, more?: Partial<LaunchRequest>) => Promise<LaunchRequest>
  readonly task: (template: string, more?: Partial<Task>) => Promise<Task>
  /** What lives with this home in its working folder, environment or arguments. */
  readonly processes: () => Promise<readonly Process[]>
  /** `sleep 601` to `sleep 604` of this home, also those that cleared their environment: their working folder tells. */
  readonly sleepers: () => Promise<readonly Process[]>
  /** Sends a signal to the keeper of a VM, and to it alone. */
  readonly signalKeeper: (name: string, signal: NodeJS.Signals) => Promise<void>
  /** Launches from a process of its own. */
  readonly parent: (request: LaunchRequest) => Promise<Parent>
}

export interface Parent {
  readonly kill: (signal: NodeJS.Signals) => void
  /** Waits for a line of its output. */
  readonly says: (line: string) => Promise<void>
}

/** The keeper runs from source: Node 24 strips the types. */
export async function testFleet(options: Partial<LocalFleetOptions> = {}): Promise<TestFleet> {
  const home = await realpath(await mkdtemp(path.join(tmpdir(), 'lmrun-fleet-')))
  const cliEntry = path.join(home, 'cli.mjs')
  await writeFile(cliEntry, `console.log('lmrun got', ...process.argv.slice(2))\n`)
  const runtime = { vmEntry: path.join(packageRoot(), 'src', 'vm.ts'), cliEntry, node: process.execPath }
  const fleet = createLocalFleet({ home, runtime, env: testEnv(), graceMs: 500, ...options })
  const parents: ChildProcess[] = []
  let count = 0
  const task = async (template: string, more: Partial<Task> = {}): Promise<Task> => {
    const file = path.join(home, `template-${count++}.yaml`)
    await writeFile(file, template)
    return { template: file, envs: {}, secrets: {}, ...more }
  }
  return {
    fleet,
    home,
    runtime,
    task,
    request: async (name, template, more = {}) => ({
      name,
      leaseMinutes: 10,
      labels: {},
      resources: NO_RESOURCES,
      reuse: false,
      ...(await task(template, more)),
      ...more,
    }),
    processes: async () =>
      (await listProcesses()).filter(({ marker }) => marker?.includes(idPrefix(home, ''))),
    sleepers: async () => {
      const all = (await listProcesses()).filter(({ command }) => command === 'sleep')
      const mine = await Promise.all(all.map(({ pid }) => isSleeper(home, pid)))
      return all.filter((_, index) => mine[index])
    },
    signalKeeper: async (name, signal) => {
      const keeper = await readKeeper(vmFolder(home, name))
      process.kill(Number(keeper?.pid), signal)
    },
    parent: async request => {
      const script = path.join(packageRoot(), 'test', 'fleet', 'local', 'launcher.ts')
      const child = spawn(process.execPath, [script, home, runtime.vmEntry, JSON.stringify(request)])
      parents.push(child)
      const lines = createInterface(child.stdout)
      return {
        kill: signal => void child.kill(signal),
        says: async wanted => {
          for await (const line of lines) if (line === wanted) return
          throw new Error(`the launcher ended without saying "${wanted}"`)
        },
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of parents) child.kill('SIGKILL')
      const vms = await fleet.list()
      await fleet.down(vms.map(({ name }) => name))
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export function testEnv(): Env {
  return { PATH: process.env.PATH, HOME: process.env.HOME, SECRET_OF_THE_RUNNER: 'must not be seen' }
}

async function isSleeper(home: string, pid: number): Promise<boolean> {
  const [argv, cwd] = await Promise.all([
    readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''),
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
  ])
  return /\b60[0-9]\0$/.test(argv) && cwd.startsWith(home)
}

/** Looks until it is so; the test's own timeout is the deadline. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(resolve => setTimeout(resolve, 20))
}

export const forever = () => new AbortController().signal
