/** A world for the built action whose VMs are those of the stand-in sky. */
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageRoot } from '../../src/env.ts'
import { decide, GRACE_MS } from '../../src/sweep/decide.ts'
import { createWorld, REPOSITORY, type World, type WorldRun } from './e2e.ts'
import type { RunResult } from './runner.ts'
import type { Cloud, LedgerEntry } from './sky-stand-in/cloud.ts'
import { createSkyStandIn, type SkyStandIn, type SkyStandInOptions } from './sky-stand-in/stand-in.ts'

/** How many times faster than life SkyPilot is: a launch takes 3 s, a minute of lease 6 s. */
const SPEED = 10
/** Without a renewal it is over later than all that main and post may take: who must end VMs is not helped by it. */
const LEASE_MINUTES = '45'
/** A lease that is soon over. SkyPilot's minutes are whole; a tenth of one is a renewal each 2 s of ours. */
export const SHORT_LEASE = { 'lease-minutes': '0.1' } as const
/** Where no cloud's own API is asked. */
export const INFRA = 'lambda'

export interface SkyWorld extends AsyncDisposable {
  readonly world: World
  readonly sky: SkyStandIn
  run(options?: WorldRun): Promise<RunResult>
  /** VM names of what is billed now. */
  alive(): readonly string[]
  /** Resolves with the VM of that model key (or `client`), once it is in that state. */
  vm(key: string, state?: 'provisioning' | 'up'): Promise<string>
  /** Resolves when nothing is billed any more, as every ring has its time; rejects with what is. */
  ended(withinMs?: number): Promise<readonly LedgerEntry[]>
  /** VM names of what neither a lease nor its own shutdown will ever end. */
  unprotected(): readonly string[]
  /** The scheduled sweeper, long after GitHub called the run over: the real decision on what the cloud lists. */
  sweep(): Promise<void>
  /** What the end of the machine that the runner is on takes with it: all but the VMs. */
  endRunner(): void
}

/** A short lease, two looks of skylet, and the machine's own shutdown, which takes a minute; on a busy machine. */
export const LEASE_BOUND_MS = 90_000

export async function createSkyE2e({
  speed = SPEED,
  ...options
}: Pick<SkyStandInOptions, 'speed' | 'inside'> = {}): Promise<SkyWorld> {
  const world = await createWorld()
  const sky = await createSkyStandIn({ speed, ...options, folder: path.join(world.folder, 'sky') })
  const alive = () => sky.cloud.alive().map(({ name }) => name)
  const until = async <T>(seen: () => T | undefined, withinMs: number, what: string): Promise<T> => {
    const deadline = Date.now() + withinMs
    for (;;) {
      const found = seen()
      if (found !== undefined) return found
      if (Date.now() > deadline) throw new Error(`${what}: ${JSON.stringify(sky.ledger)}`)
      await sleep(20)
    }
  }
  return {
    world,
    sky,
    alive,
    run: options => world.run(withSky(sky, options ?? {})),
    vm: (key, state = 'up') =>
      until(
        () => sky.cloud.alive().find(one => one.name.startsWith(`${key}-`) && one.state === state)?.name,
        80_000,
        `no VM of ${key} is ${state}`,
      ),
    ended: (withinMs = LEASE_BOUND_MS) =>
      until(() => (alive().length === 0 ? sky.ledger : undefined), withinMs, 'VMs are still billed'),
    unprotected: () =>
      sky.cloud
        .alive()
        .filter(({ lease, vm }) => !lease && vm.shutdown?.signal.aborted !== false)
        .map(({ name }) => name),
    sweep: () => sweep(sky.cloud),
    endRunner: () => sky.killServer(),
    async [Symbol.asyncDispose]() {
      await sky[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

async function sweep(cloud: Cloud): Promise<void> {
  const now = Date.now()
  const run = { state: 'over', endedAt: now - GRACE_MS } as const
  const knowledge = { now, repository: REPOSITORY, run, othersLive: false }
  await Promise.all(
    cloud
      .alive()
      .filter(({ labels }) => decide({ kind: 'vm', labels, state: 'up' }, knowledge).action === 'end')
      .map(instance => cloud.end(instance, 'sweeper')),
  )
}

function withSky(sky: SkyStandIn, options: WorldRun): WorldRun {
  return {
    ...options,
    env: { ...sky.env, ...options.env },
    inputs: {
      infra: INFRA,
      mesh: 'off',
      'lease-minutes': LEASE_MINUTES,
      // The bundled one for VMs installs what the stand-in's machines have.
      ...(options.stuckClient
        ? {}
        : { 'client-template': path.join(packageRoot(), 'templates/local/livebench-client.yaml') }),
      ...options.inputs,
    },
  }
}
