import { LAUNCH_ERRORS } from '../sky-stand-in/faults.ts'
import type { SkyWorld, Trouble } from './world.ts'

/** What SkyPilot says, of which the product tells what went wrong. */
export const ERRORS: Readonly<Record<Exclude<Trouble, 'garbage' | 'hang'>, string>> = {
  ...LAUNCH_ERRORS,
  budget:
    'sky.exceptions.ResourcesUnavailableError: No resource satisfying the request. Max hourly cost limit 0.1 may be too restrictive.',
  locked:
    'sky.exceptions.ClusterStatusFetchingError: Failed to acquire the cluster lock: another operation is in progress.',
  arm: 'sky.exceptions.CommandError: Command failed with return code 255: failed to set autostop.',
}

export const HANGS = new Promise<never>(() => {})
/** How long a client waits for an API server somewhere else that it cannot reach. */
export const UNREACHABLE_S = 20
/** How long clients of a cloud try again before they give up. */
const NETWORK_RETRIES_S = 20

/** What the API server's work consists of: it takes time, and most of it needs the cloud. */
export class ApiSteps {
  readonly #world: SkyWorld

  constructor(world: SkyWorld) {
    this.#world = world
  }

  /** A step that needs the cloud: its network and its credentials. */
  async cloud(seconds: number, signal?: AbortSignal): Promise<void> {
    await this.seconds(seconds, signal)
    const { runner, shared, identity } = this.#world
    if (!shared && !runner.online) {
      await this.seconds(NETWORK_RETRIES_S, signal)
      if (!runner.online) throw new Error(ERRORS.network)
    }
    if (!identity.valid) throw new Error(ERRORS.authentication)
  }

  /** Nothing goes on in a server that is gone. */
  async seconds(seconds: number, signal?: AbortSignal): Promise<void> {
    await this.#world.clock.sleep(this.#world.ms(seconds), signal)
    if (!this.alive) await HANGS
  }

  get alive(): boolean {
    return this.#world.shared || this.#world.runner.alive
  }
}

export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
