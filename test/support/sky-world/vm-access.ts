import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { JobState } from '../../../src/fleet/fleet.ts'
import { Unreachable, type VmAccess } from '../../../src/fleet/sky/types.ts'
import type { Machine } from './machine.ts'
import { runStep } from './program.ts'
import type { Process } from './runner.ts'
import type { SkyWorld } from './world.ts'

/** After so long without an answer a VM counts as unreachable. */
const PATIENCE_MS = 60_000

/** ssh and rsync from a process on the runner to the machines of the world. */
export function worldVmAccess(world: SkyWorld, process: Process): VmAccess {
  const { clock } = process
  /** The machine, a moment later, when it can be reached. */
  const reach = async (vm: string, signal?: AbortSignal): Promise<Machine> => {
    await clock.sleep(world.ms(world.durations.ssh), signal)
    const machine = world.machine(vm)
    if (machine?.up && process.runner.online) return machine
    await clock.sleep(PATIENCE_MS / 4, signal)
    throw new Unreachable(vm)
  }
  return {
    start: async (vm, id, task, signal) => {
      const machine = await reach(vm, signal)
      void runStep(world, machine, id, task)
    },
    wait: async (vm, id, signal, onSilence = () => {}) => {
      signal.throwIfAborted()
      if (!process.alive) return new Promise<JobState>(() => {})
      return process.live(ended(world, process, { vm, id, signal, onSilence }))
    },
    state: async (vm, id) => (await reach(vm)).job(id).state,
    tail: async (vm, id, lines) => (await reach(vm)).job(id).log.slice(-lines),
    pull: async (vm, from, to) => pull(await reach(vm), from, to),
    push: async (vm, from, to) => push(await reach(vm), from, to),
    hand: async (vm, files, signal) => {
      const machine = await reach(vm, signal)
      for (const { path: file, content } of files) machine.handed.set(file, content)
    },
    run: async (vm, _script, signal) => {
      await reach(vm, signal)
      return { exitCode: 0, stdout: '', stderr: '' }
    },
    tunnel: async (vm, port, signal) => {
      await reach(vm, signal)
      return { host: '127.0.0.1', port, [Symbol.asyncDispose]: async () => {} }
    },
    facts: async vm => {
      await reach(vm)
      return { address: '10.0.0.1', ports: { 8000: 8000 } }
    },
    disarm: async vm => (await reach(vm)).disarmShutdown(),
    leave: async () => {},
  }
}

interface Wanted {
  readonly vm: string
  readonly id: number
  readonly signal: AbortSignal
  readonly onSilence: () => void
}

/** Looks again and again, as a connection that is lost is made again, until nobody has answered for long. */
async function ended(
  world: SkyWorld,
  process: Process,
  { vm, id, signal, onSilence }: Wanted,
): Promise<JobState> {
  const { clock } = process
  let seen = clock.now()
  let silent = 0
  for (;;) {
    const machine = world.machine(vm)
    if (machine?.up && process.runner.online) {
      seen = clock.now()
      silent = 0
      const job = machine.job(id)
      if (job.endedAt !== null) return job.state
    } else if (clock.now() - seen >= PATIENCE_MS) {
      throw new Unreachable(vm)
    } else if (++silent === 2) {
      onSilence()
    }
    await clock.sleep(world.ms(WATCH_S), signal)
  }
}

/** How late the end of a job is heard of, at most. */
const WATCH_S = 1

function pull({ files }: Machine, from: string, to: string): boolean {
  const found = [...files].filter(([name]) => name === from || name.startsWith(`${from}/`))
  for (const [name, text] of found) {
    const target = path.join(to, path.relative(from, name))
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, text)
  }
  return found.length > 0
}

function push({ files }: Machine, from: string, to: string): void {
  if (!existsSync(from)) throw new Error(`${from} is not there`)
  const whole = statSync(from).isDirectory()
  const names = whole ? readdirSync(from, { recursive: true, encoding: 'utf8' }) : ['']
  for (const name of names) {
    const source = path.join(from, name)
    if (statSync(source).isFile()) files.set(path.posix.join(to, name), readFileSync(source, 'utf8'))
  }
}
