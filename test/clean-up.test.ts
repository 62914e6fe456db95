import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runAction } from '../src/action.ts'
import { Cancellation } from '../src/cancel.ts'
import { cleanUp } from '../src/clean-up.ts'
import type { Env } from '../src/env.ts'
import type { Results, VmRecord } from '../src/report/results.ts'
import { VirtualClock } from './support/sky-world/clock.ts'
import { worldDeps, worldEnv } from './support/sky-world/run.ts'
import { Process } from './support/sky-world/runner.ts'
import { SkyWorld } from './support/sky-world/world.ts'

const WORK = { setupServer: 30, setupClient: 20, load: 40, answer: 90, grade: 40, questions: 9 }
const ONE = { models: JSON.stringify({ a: { model: 'some/model' } }) }
const ROLE = { 'aws-role': 'arn:aws:iam::123456789012:role/lmrun' }
const HOUR_MS = 3_600_000

let folder: string
let clock: VirtualClock
let world: SkyWorld
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-clean-up-'))
  clock = new VirtualClock()
  world = new SkyWorld({ clock, seed: 1, work: WORK })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface Killed {
  readonly env: Env
  readonly state: ReadonlyMap<string, string>
}

/** Main, until somebody has heard enough of its log; then SIGKILL. */
async function mainUntil(
  enough: (line: string) => boolean,
  inputs: Readonly<Record<string, string>> = {},
): Promise<Killed> {
  const env = worldEnv(world, folder, { ...ONE, ...inputs })
  const process = new Process(world.runner, 'finally', clock)
  const state = new Map<string, string>()
  const reached = Promise.withResolvers<void>()
  const deps = worldDeps(world, process, {
    env,
    log: line => {
      if (enough(line)) reached.resolve()
    },
    saveState: (name, value) => {
      state.set(name, typeof value === 'string' ? value : JSON.stringify(value))
    },
    publish: () => {},
  })
  runAction(new Cancellation(), deps).then(
    () => reached.reject(new Error('main ended by itself')),
    reached.reject,
  )
  await clock.run(reached.promise)
  process.kill()
  return { env, state }
}

/** As the runner does: a moment later. */
async function post({ env, state }: Killed) {
  await clock.pass(1000)
  const told: { log: string[]; published: Results | null } = { log: [], published: null }
  const saved = [...state].map(([name, value]) => [`STATE_${name}`, value])
  const process = new Process(world.runner, 'post', clock)
  const deps = worldDeps(world, process, {
    env: { ...env, ...Object.fromEntries(saved) },
    log: line => void told.log.push(line),
    saveState: () => {},
    publish: results => {
      told.published = results
    },
  })
  const failure = await clock.run(cleanUp(deps).then(() => '', String))
  return { ...told, failure, vms: told.published?.vms ?? [] }
}

const answering = (line: string) => line === 'a: answer …'
const machine = (role: string) => world.machines().find(({ name }) => name.startsWith(role))

function ofRole(vms: readonly VmRecord[], role: VmRecord['role']): readonly VmRecord[] {
  return vms.filter(vm => vm.role === role)
}

describe('what post does after main was killed', () => {
  it('says what each VM cost, for how long it was there', async () => {
    const { failure, vms, published } = await post(await mainUntil(answering))
    expect(failure).toBe('')
    expect(vms.map(vm => vm.role).toSorted()).toEqual(['client', 'main', 'server'])
    for (const { hourly = 0, cost, launchedAt, goneAt } of vms) {
      expect(hourly).toBe(0.8)
      expect(cost).toBeCloseTo((0.8 * ((goneAt ?? 0) - launchedAt)) / HOUR_MS)
    }
    expect(published?.cost?.unknown).toEqual([])
    expect(published?.cost?.total).toBeCloseTo(vms.reduce((sum, { cost = 0 }) => sum + cost, 0))
    expect(world.machines()).toEqual([])
  })

  it('counts each launch of a server that was taken back', async () => {
    let times = 0
    const killed = await mainUntil(line => {
      if (!answering(line)) return false
      times += 1
      if (times === 1) machine('a-')?.end('cloud')
      return times === 2
    })
    const { failure, vms } = await post(killed)
    expect(failure).toBe('')
    const [first, second] = ofRole(vms, 'server')
    expect(first?.cost).toBeGreaterThan(0)
    expect(second?.cost).toBeGreaterThan(0)
    expect(first?.goneAt).toBeLessThanOrEqual(second?.launchedAt ?? 0)
  })

  it('leaves alone what is kept, and says how to end it', async () => {
    const { failure, vms, log } = await post(await mainUntil(answering, { reuse: 'true' }))
    expect(failure).toBe('')
    expect(world.machines().map(({ name }) => name)).toEqual(['a'])
    expect(log.join('\n')).toMatch(/^client-\w+: gone$/m)
    expect(log.join('\n')).not.toMatch(/^a: /m)
    expect(ofRole(vms, 'server')).toMatchObject([
      { name: 'a', kept: true, goneAt: null, command: 'lmrun down a --fleet sky' },
    ])
    // It costs on: what it has cost by now is told.
    expect(ofRole(vms, 'server')[0]?.cost).toBeGreaterThan(0)
  })

  it('ends what was to be kept and never served', async () => {
    const { failure } = await post(await mainUntil(line => line === 'a: load …', { reuse: 'true' }))
    expect(failure).toBe('')
    expect(world.machines()).toEqual([])
  })

  it('renews the credentials that main had, and ends all with them', async () => {
    const killed = await mainUntil(answering, ROLE)
    world.identity.tokenFile = path.join(killed.env.RUNNER_TEMP ?? '', 'lmrun-credentials', 'aws.token')
    world.identity.revoke()
    const { failure, vms } = await post(killed)
    expect(failure).toBe('')
    expect(world.machines()).toEqual([])
    expect(vms.map(vm => vm.goneAt)).not.toContain(null)
  })

  it('names what is left when the credentials cannot be renewed, with the command, and fails', async () => {
    const killed = await mainUntil(answering, ROLE)
    world.identity.tokenFile = path.join(killed.env.RUNNER_TEMP ?? '', 'lmrun-credentials', 'aws.token')
    world.identity.revoke()
    world.identity.refused = true
    const { failure, log, vms } = await post(killed)
    expect(log.join('\n')).toContain('the cloud credentials could not be renewed')
    expect(world.machines()).toHaveLength(3)
    for (const { name } of world.machines()) {
      expect(failure).toContain(`sky down -y ${name}`)
      expect(log.join('\n')).toContain(`${name}: ending, not seen to be gone`)
      expect(vms.find(vm => vm.name === name)).toMatchObject({ goneAt: null, command: `sky down -y ${name}` })
    }
    expect(failure).toContain('end them by hand')
  })

  it('ends the launch commands that main left, before it says that anything is gone', async () => {
    const killed = await mainUntil(line => line === 'a: launch …')
    const { failure } = await post(killed)
    expect(failure).toBe('')
    // Long enough for any command that lived on to have asked for its VM.
    await clock.pass(10 * 60_000)
    expect(world.machines()).toEqual([])
    const last = world.story.findLastIndex(line => line.includes('finally: sky launch'))
    expect(last).toBeLessThan(world.story.findIndex(line => line.includes('post: ')))
  })

  it('asks nothing of SkyPilot for what main saw go', async () => {
    const killed = await mainUntil(line => /^run: teardown done/.test(line))
    const before = world.story.length
    const { failure, vms, log } = await post(killed)
    expect(failure).toBe('')
    expect(log).toContain('No VM is left to end.')
    expect(vms.map(vm => vm.goneAt)).not.toContain(null)
    expect(world.story.slice(before)).toEqual([])
  })

  it('has nothing to do when nothing was launched', async () => {
    const env = worldEnv(world, folder, ONE)
    expect(await post({ env, state: new Map() })).toMatchObject({ failure: '', published: null })
  })
})
