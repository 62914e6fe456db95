import { Cancellation } from '../../src/cancel.ts'
import { Random } from '../support/sky-world/random.ts'
import type { Process } from '../support/sky-world/runner.ts'
import type { SkyWorld } from '../support/sky-world/world.ts'
import type { Schedule } from './schedule.ts'

/** The runner's ladder: SIGINT, SIGTERM, SIGKILL. */
const TO_SIGTERM_MS = 7500
const TO_SIGKILL_MS = 2500

/** What happens to main, and to the world that it is in. */
export class Mishaps {
  readonly cancel = new Cancellation()
  /** Unix milliseconds. */
  cancelledAt: number | null = null
  /** Main was asked to end, and had to be killed for it. */
  killedByLadder = false
  readonly #world: SkyWorld
  readonly #main: Process
  readonly #schedule: Schedule
  readonly #random: Random
  readonly #killed = Promise.withResolvers<void>()
  #happened = false

  constructor(world: SkyWorld, main: Process, schedule: Schedule) {
    this.#world = world
    this.#main = main
    this.#schedule = schedule
    this.#random = new Random(schedule.seed + 1)
  }

  /** Resolves when main, or its machine, was ended by force. */
  get mainKilled(): Promise<void> {
    return this.#killed.promise
  }

  begin(): void {
    const { moment } = this.#schedule
    if ('seconds' in moment) this.#world.clock.after(moment.seconds * 1000, () => this.#happen())
  }

  /** Main's log tells when phases begin and end. */
  hear(line: string): void {
    const { moment } = this.#schedule
    const [, phase, mark] = /^\S+: (\w+) (…|done|failed)/.exec(line) ?? []
    const edge = mark === '…' ? 'begin' : 'end'
    if ('phase' in moment && moment.phase === phase && moment.edge === edge) this.#happen()
  }

  #happen(): void {
    if (this.#happened) return
    this.#happened = true
    const { event, also, delay } = this.#schedule
    const { clock } = this.#world
    clock.after(delay * 1000, () => {
      this.#do(event)
      if (also) clock.after(this.#random.between(0, 60_000), () => this.#do(also))
    })
  }

  #do(event: Schedule['event']): void {
    const world = this.#world
    world.tell(`it happens: ${event}`)
    const machines = world.machines().filter(machine => machine.name !== 'client-other')
    if (event === 'cancel' || event === 'cancel, locked') this.#interrupt()
    if (event === 'double cancel') {
      this.#interrupt()
      world.clock.after(this.#random.between(0, 4000), () => this.#kill())
    }
    if (event === 'SIGTERM') this.#terminate()
    if (event === 'SIGKILL') this.#kill()
    if (event === 'runner lost') {
      world.loseRunner()
      this.#killed.resolve()
    }
    if (event === 'VM lost' && machines.length > 0) this.#random.pick(machines).end('cloud')
    if (event === 'network lost') this.#cutNetwork()
    if (event === 'credentials expired') {
      world.identity.revoke()
      world.identity.refused = this.#random.chance(0.2)
    }
  }

  #interrupt(): void {
    if (!this.#main.alive) return
    this.cancelledAt ??= this.#world.clock.now()
    this.cancel.by('SIGINT')
    this.#world.clock.after(TO_SIGTERM_MS, () => this.#terminate())
  }

  #terminate(): void {
    if (!this.#main.alive) return
    this.cancelledAt ??= this.#world.clock.now()
    this.cancel.by('SIGTERM')
    this.#world.clock.after(TO_SIGKILL_MS, () => {
      if (!this.#main.alive) return
      this.killedByLadder = true
      this.#kill()
    })
  }

  #kill(): void {
    if (!this.#main.alive) return
    this.#main.kill()
    this.#killed.resolve()
  }

  #cutNetwork(): void {
    const { runner, clock } = this.#world
    runner.online = false
    clock.after(this.#schedule.outage * 1000, () => {
      runner.online = true
    })
  }
}
