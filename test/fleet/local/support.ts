import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Env } from '../../../src/env.ts'
import { packageRoot } from '../../../src/env.ts'
import type { Fleet, LaunchRequest, Task } from '../../../src/fleet/fleet.ts'
import type { Runtime } from '../../../src/fleet/local/launch.ts'
import { createLocalFleet, type LocalFleetOptions } from '../../../src/fleet/local/local.ts'
import { listProcesses, type Process } from '../../../src/fleet/local/processes.ts'
import { idPrefix } from '../../../src/fleet/local/records.ts'

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
}

/** The keeper runs from source: Node 24 strips the types. */
export async function testFleet(options: Partial<LocalFleetOptions> = {}): Promise<TestFleet> {
  const home = await realpath(await mkdtemp(path.join(tmpdir(), 'lmrun-fleet-')))
  const cliEntry = path.join(home, 'cli.mjs')
  await writeFile(cliEntry, `console.log('lmrun got', ...process.argv.slice(2))\n`)
  const runtime = { vmEntry: path.join(packageRoot(), 'src', 'vm.ts'), cliEntry, node: process.execPath }
  const fleet = createLocalFleet({ home, runtime, env: testEnv(), graceMs: 500, ...options })
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
      ...(await task(template, more)),
      ...more,
    }),
    processes: async () =>
      (await listProcesses()).filter(({ marker }) => marker?.includes(idPrefix(home, ''))),
    [Symbol.asyncDispose]: async () => {
      const vms = await fleet.list()
      await fleet.down(vms.map(({ name }) => name))
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export function testEnv(): Env {
  return { PATH: process.env.PATH, HOME: process.env.HOME, SECRET_OF_THE_RUNNER: 'must not be seen' }
}

export const forever = () => new AbortController().signal
