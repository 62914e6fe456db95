import path from 'node:path'
import { skyRenderer } from '../src/fleet/sky/render/render.ts'
import { createSkyFleet } from '../src/fleet/sky/sky.ts'
import type { SkyCli } from '../src/fleet/sky/types.ts'
import { VirtualClock } from '../test/support/sky-world/clock.ts'
import { Process } from '../test/support/sky-world/runner.ts'
import { worldSkyCli } from '../test/support/sky-world/sky-cli.ts'
import { worldVmAccess } from '../test/support/sky-world/vm-access.ts'
import { SkyWorld } from '../test/support/sky-world/world.ts'
import { taskFileOf } from './timeline-files.ts'
import { WORK } from './timeline-recipes.ts'

/** Each call of `sky` takes up to this share more or less than was measured. */
const JITTER = 0.5

export interface TeardownTime {
  /** Seconds until all were seen to be gone. */
  readonly all: number
  /** Seconds of the slowest one's own: its `sky down`, and a look. */
  readonly slowest: number
}

/** Ends many VMs at once, by the fleet's own teardown, in a cloud whose calls take now less, now more. */
export async function teardownOf(count: number, folder: string): Promise<TeardownTime> {
  const clock = new VirtualClock()
  const world = new SkyWorld({ clock, seed: 1, work: WORK, jitter: JITTER })
  const process = new Process(world.runner, 'finally', clock)
  const calls = new Calls(worldSkyCli(world, process, path.join(folder, 'calls')), clock)
  const fleet = createSkyFleet({
    cli: calls,
    access: worldVmAccess(world, process),
    clock,
    renderer: skyRenderer,
    folder: path.join(folder, 'fleet'),
    sharedServer: true,
    warn: () => {},
    serverAnswers: async () => true,
  })
  const names = Array.from({ length: count }, (_, index) => `vm-${index}`)
  return clock.run(
    (async () => {
      const file = await taskFileOf(folder, 'vm', 'server')
      await Promise.all(
        names.map(name => calls.run(['launch', '-y', '-d', '-c', name, '-i', '300', '--down', file])),
      )
      const since = clock.now()
      const results = await fleet.down(names)
      if (results.some(({ verified }) => !verified) || world.ledger.alive().length > 0)
        throw new Error('a VM is alive')
      const slowest = calls.longest('down') + calls.shortest('status')
      return { all: (clock.now() - since) / 1000, slowest }
    })(),
  )
}

/** How long each command took, in seconds. */
class Calls implements SkyCli {
  readonly #took: { readonly command: string; readonly seconds: number }[] = []
  readonly #cli: SkyCli
  readonly #clock: VirtualClock

  constructor(cli: SkyCli, clock: VirtualClock) {
    this.#cli = cli
    this.#clock = clock
  }

  ready(): Promise<void> {
    return this.#cli.ready()
  }

  async run(...call: Parameters<SkyCli['run']>): ReturnType<SkyCli['run']> {
    const since = this.#clock.now()
    const reply = await this.#cli.run(...call)
    this.#took.push({ command: call[0][0] ?? '', seconds: (this.#clock.now() - since) / 1000 })
    return reply
  }

  endAll(): Promise<void> {
    return this.#cli.endAll()
  }

  longest(command: string): number {
    return Math.max(...this.#of(command))
  }

  shortest(command: string): number {
    return Math.min(...this.#of(command))
  }

  #of(command: string): number[] {
    return this.#took.filter(call => call.command === command).map(({ seconds }) => seconds)
  }
}
