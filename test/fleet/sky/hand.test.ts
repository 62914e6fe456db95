import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { LaunchFailed } from '../../../src/fleet/failures.ts'
import { type LaunchRequest, NO_RESOURCES } from '../../../src/fleet/fleet.ts'
import { SECRETS_WAIT_S } from '../../../src/fleet/sky/render/scripts.ts'
import { VirtualClock } from '../../support/sky-world/clock.ts'
import { worldFleet } from '../../support/sky-world/run.ts'
import { Process } from '../../support/sky-world/runner.ts'
import { SkyWorld } from '../../support/sky-world/world.ts'

const WORK = { setupServer: 30, setupClient: 20, load: 40, answer: 90, grade: 40, questions: 9 }
const REQUEST: LaunchRequest = {
  name: 'vm',
  template: path.join(packageRoot(), 'test/fixtures/templates/world-server.yaml'),
  envs: { MODEL: 'm' },
  secrets: { TOK: "it's" },
  labels: { 'lmrun-role': 'server' },
  leaseMinutes: 30,
  resources: NO_RESOURCES,
  reuse: false,
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-hand-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A launch in the world; `whenSubmitted` is called when its job is there, before anything can be handed over. */
function launching(whenSubmitted: (world: SkyWorld, stop: AbortController) => void, request = REQUEST) {
  const clock = new VirtualClock()
  const world = new SkyWorld({ clock, seed: 1, work: WORK })
  const process = new Process(world.runner, 'finally', clock)
  const fleet = worldFleet(world, process, folder)
  const stop = new AbortController()
  let submittedAt = 0
  const watch = clock.every(50, () => {
    if (submittedAt > 0 || !world.machine('vm')?.jobs.has(1)) return
    submittedAt = clock.now()
    whenSubmitted(world, stop)
  })
  const launch = fleet.launch(request, stop.signal).catch((error: unknown) => error)
  return {
    ...{ clock, world, fleet, launch },
    seconds: () => (clock.now() - submittedAt) / 1000,
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  }
}

describe('secrets of a launch', () => {
  it('are handed over before it returns, and setup goes on', async () => {
    using it = launching(() => {})
    expect(await it.clock.run(it.launch)).toEqual({ vm: 'vm', id: 1 })
    const handed = [...(it.world.machine('vm')?.handed ?? [])]
    expect(handed).toEqual([
      [expect.stringMatching(/^\.lmrun\/launch\/secrets\.[0-9a-f]{8}$/), `export TOK='it'\\''s'\n`],
    ])
    await it.clock.pass(35_000)
    expect(it.world.machine('vm')?.job(1).state.status).toBe('RUNNING')
  })

  it('are nothing that a launch without any waits for', async () => {
    using it = launching(() => {}, { ...REQUEST, secrets: {} })
    await it.clock.run(it.launch)
    expect(it.world.machine('vm')?.handed.size).toBe(0)
    await it.clock.pass(35_000)
    expect(it.world.machine('vm')?.job(1).state.status).toBe('RUNNING')
  })

  it('are handed over again and again while the network is gone', async () => {
    using it = launching(({ runner, clock }) => {
      runner.online = false
      clock.after(4 * 60_000, () => (runner.online = true))
    })
    expect(await it.clock.run(it.launch)).toEqual({ vm: 'vm', id: 1 })
    expect(it.seconds()).toBeGreaterThan(4 * 60)
    await it.clock.pass(35_000)
    expect(it.world.machine('vm')?.job(1).state.status).toBe('RUNNING')
  })

  it('that cannot be handed over fail the launch, while setup still waits', async () => {
    using it = launching(({ runner }) => {
      runner.online = false
    })
    const failed = await it.clock.run(it.launch)
    expect(failed).toBeInstanceOf(LaunchFailed)
    expect(failed).toMatchObject({
      kind: 'network',
      log: [expect.stringContaining('secrets could not be handed over: vm does not answer')],
    })
    expect(it.seconds()).toBeLessThan(SECRETS_WAIT_S)
    expect(it.world.machine('vm')?.job(1).state.status).toBe('SETTING_UP')
    await it.clock.pass(SECRETS_WAIT_S * 1000)
    expect(it.world.machine('vm')?.job(1).state).toEqual({ status: 'FAILED_SETUP', exitCode: 1 })
  })

  it('have nowhere to go when the VM is taken back', async () => {
    using it = launching(world => world.machine('vm')?.end('cloud'), {
      ...REQUEST,
      resources: { ...NO_RESOURCES, spot: true },
    })
    expect(await it.clock.run(it.launch)).toMatchObject({
      name: 'LaunchFailed',
      kind: expect.stringMatching(/^(preemption|lost)$/),
    })
    expect(it.seconds()).toBeLessThan(60)
  })

  it('keep nobody who is told to stop, nor who ends the VM', async () => {
    const why = new Error('cancelled')
    using it = launching(({ runner, clock }, stop) => {
      runner.online = false
      clock.after(20_000, () => stop.abort(why))
    })
    expect(await it.clock.run(it.launch)).toBe(why)
    expect(it.seconds()).toBeLessThan(21)
    using other = launching(world => void world.clock.after(100, () => (world.runner.online = true)))
    const down = other.clock.run(
      other.clock.sleep(1).then(async () => {
        while (!other.world.machine('vm')?.jobs.has(1)) await other.clock.sleep(10)
        return other.fleet.down(['vm'])
      }),
    )
    expect(await down).toEqual([{ name: 'vm', verified: true }])
    expect(await other.launch).toBeInstanceOf(Error)
  })
})

describe('files for a VM', () => {
  it('go the same way', async () => {
    using it = launching(() => {}, { ...REQUEST, secrets: {} })
    await it.clock.run(it.launch)
    const never = new AbortController().signal
    const file = { path: '.lmrun/join.json', content: '{}' }
    it.world.runner.online = false
    const handed = it.fleet.hand?.('vm', [file], never)
    it.clock.after(90_000, () => (it.world.runner.online = true))
    await it.clock.run(handed ?? Promise.reject(new Error('the fleet hands nothing over')))
    expect(it.world.machine('vm')?.handed.get('.lmrun/join.json')).toBe('{}')
    it.world.machine('vm')?.end('cloud')
    const lost = it.fleet.hand?.('vm', [file], never).catch((error: unknown) => error)
    expect(await it.clock.run(lost ?? Promise.resolve(null))).toMatchObject({ name: 'VmLost' })
  })
})
