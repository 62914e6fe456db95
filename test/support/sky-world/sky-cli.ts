import { LmrunError } from '../../../src/errors.ts'
import type { SkyCall, SkyCli, SkyReply } from '../../../src/fleet/sky/types.ts'
import { parseSkyArgs } from '../sky-stand-in/args.ts'
import type { Child, Process } from './runner.ts'
import type { SkyWorld } from './world.ts'

/** `sky` as a process on the runner would call it. The commands outlive a process that is killed, as children do. */
export function worldSkyCli(world: SkyWorld, process: Process): SkyCli {
  const { runner, clock } = process
  const running = new Set<AbortController>()
  return {
    run: async (args, { signal, timeoutMs }: SkyCall = {}) => {
      const child: Child = { ended: false }
      const stop = new AbortController()
      const ends = [
        stop.signal,
        ...(signal ? [signal] : []),
        ...(timeoutMs === undefined ? [] : [clock.timeout(timeoutMs)]),
      ]
      const over = AbortSignal.any(ends)
      over.throwIfAborted()
      if (!process.alive) return new Promise(() => {})
      runner.children.add(child)
      running.add(stop)
      try {
        return await process.live(Promise.race([command(world, process, child, args), aborted(over)]))
      } finally {
        child.ended = true
        runner.children.delete(child)
        running.delete(stop)
      }
    },
    endAll: async () => {
      for (const stop of running) stop.abort(new LmrunError('sky was ended: the run is over'))
    },
  }
}

/** Until the command has loaded it has asked for nothing; once it has, ending it changes nothing. */
async function command(
  world: SkyWorld,
  process: Process,
  child: Child,
  args: readonly string[],
): Promise<SkyReply> {
  await world.clock.sleep(world.ms(world.durations.cliStart))
  if (child.ended || !process.runner.alive) return new Promise(() => {})
  return world.api.answer({ args: parseSkyArgs(args), ender: process.ender })
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  )
}
