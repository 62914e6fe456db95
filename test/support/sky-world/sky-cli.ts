import { writeFileSync } from 'node:fs'
import { createSkyCli, type SkyMachine } from '../../../src/fleet/sky/cli.ts'
import { LogGroups, PLAIN_GROUPS } from '../../../src/fleet/sky/log-groups.ts'
import type { SkyCli } from '../../../src/fleet/sky/types.ts'
import { parseSkyArgs } from '../sky-stand-in/args.ts'
import type { Process } from './runner.ts'
import type { SkyWorld } from './world.ts'

/** Until the shell has recorded itself and become `sky`. */
const SHELL_MS = 10
/** Of a process that a signal has ended. */
const SIGNALLED = { SIGTERM: 143, SIGKILL: 137 } as const

/**
 * The real way to `sky` for a process on the runner: its calls are children of it, recorded, and they outlive it.
 * @param records folder of the recorded calls
 */
export function worldSkyCli(world: SkyWorld, process: Process, records: string): SkyCli {
  const machine = skyMachine(world, process)
  return createSkyCli({
    bin: 'sky',
    records,
    env: {},
    groups: new LogGroups(() => {}, PLAIN_GROUPS),
    machine,
  })
}

export function skyMachine(world: SkyWorld, process: Process): SkyMachine {
  const { runner, clock, pid } = process
  return {
    table: runner.table(clock),
    pid,
    exec: (_, args = []) => {
      if (!process.alive) return new Promise(() => {})
      const [, , , record = '', , ...sky] = args
      return process.live(child(world, process, { record, args: sky }))
    },
  }
}

interface Call {
  readonly record: string
  readonly args: readonly string[]
}

interface Output {
  exitCode: number
  stdout: string
  stderr: string
}

/** One command, from its start to its end by itself or by a signal; one in ten takes no notice of SIGTERM. */
function child(world: SkyWorld, process: Process, call: Call): Promise<Output> {
  const { runner, children } = process
  const stubborn = world.random.chance(0.1)
  const over = Promise.withResolvers<Output>()
  const { pid, started } = runner.list(signal => {
    if (signal === 'SIGKILL' || (signal === 'SIGTERM' && !stubborn)) {
      end({ exitCode: SIGNALLED[signal], stdout: '', stderr: '' })
    }
  })
  let runs = true
  const end = (output: Output) => {
    runs = false
    runner.unlist(pid)
    children.delete(pid)
    over.resolve(output)
  }
  children.add(pid)
  const work = async () => {
    await world.clock.sleep(SHELL_MS)
    if (!runs) return
    writeFileSync(call.record, `${pid} ${started}\n`)
    // Until the command has loaded it has asked for nothing; once it has, ending it changes nothing.
    await world.clock.sleep(world.ms(world.durations.cliStart) + 1000 * world.slowness())
    if (!runs || !runner.alive) return
    const reply = await world.api.answer({ args: parseSkyArgs(call.args), ender: process.ender })
    if (runs) end(reply)
  }
  void work()
  return over.promise
}
