import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { LaunchFailed, VmLost } from '../../../src/fleet/failures.ts'
import { type LaunchRequest, NO_RESOURCES } from '../../../src/fleet/fleet.ts'
import { createSkyCli } from '../../../src/fleet/sky/cli.ts'
import { LogGroups, PLAIN_GROUPS } from '../../../src/fleet/sky/log-groups.ts'
import { skyRenderer } from '../../../src/fleet/sky/render/render.ts'
import { createSkyFleet } from '../../../src/fleet/sky/sky.ts'
import { createSshAccess } from '../../../src/fleet/sky/ssh/access.ts'
import { createSkyStandIn, type SkyStandIn } from '../../support/sky-stand-in/stand-in.ts'

const never = new AbortController().signal
/** Machines may be busy. */
const PATIENT = { timeout: 30_000 }

/** A fleet on the executable stand-ins of sky, ssh and rsync. */
async function fleetOn(sky: SkyStandIn, patienceMs = 300) {
  const env = { ...process.env, ...sky.env }
  const groups = new LogGroups(() => {}, PLAIN_GROUPS)
  const access = createSshAccess({ home: sky.home, env, clock: systemClock, patienceMs })
  const warnings: string[] = []
  const cli = createSkyCli({ bin: 'sky', records: path.join(sky.folder, 'calls'), env, groups })
  const folder = path.join(sky.folder, 'fleet')
  const fleet = createSkyFleet({
    ...{ cli, access, folder, clock: systemClock, renderer: skyRenderer, sharedServer: false },
    warn: text => warnings.push(text),
    serverAnswers: async () => true,
    teardownMs: 60_000,
  })
  return {
    fleet,
    folder,
    warnings,
    [Symbol.asyncDispose]: async () => {
      await fleet.close()
      await access.close()
    },
  }
}

async function request(
  sky: SkyStandIn,
  task: object,
  more: Partial<LaunchRequest> = {},
): Promise<LaunchRequest> {
  const template = path.join(sky.folder, 'task.yaml')
  await mkdir(sky.folder, { recursive: true })
  await writeFile(template, JSON.stringify(task))
  return {
    name: 'vm',
    template,
    envs: {},
    secrets: {},
    leaseMinutes: 30,
    labels: { 'lmrun-run': '7' },
    resources: NO_RESOURCES,
    reuse: false,
    ...more,
  }
}

describe('VMs through sky', () => {
  it('are launched, asked, listed and ended', async () => {
    await using sky = await createSkyStandIn({ speed: 50 })
    await using it = await fleetOn(sky)
    const { fleet } = it
    const wanted = await request(
      sky,
      { secrets: { TOK: null }, run: 'echo "token $TOK"; echo hello > note; exit 7' },
      { secrets: { TOK: 's3cret' } },
    )
    const job = await fleet.launch(wanted, never)
    expect(job).toEqual({ vm: 'vm', id: 1 })
    expect(await fleet.jobEnd(job, never)).toEqual({ status: 'FAILED', exitCode: 7 })
    const tail = (await fleet.tailLog(job, 20)).join('\n')
    expect(tail).toContain('token ***')
    expect(tail).not.toContain('s3cret')
    expect(await readFile(path.join(it.folder, 'vm.yaml'), 'utf8')).not.toContain('s3cret')
    expect(await fleet.list()).toMatchObject([{ name: 'vm', status: 'UP', labels: { 'lmrun-run': '7' } }])
    await fleet.renewLease(['vm'], 30)
    const step = await fleet.exec?.('vm', { ...wanted, secrets: { TOK: 'x1y2' } }, never)
    expect(step).toEqual({ vm: 'vm', id: 2 })
    if (step) expect(await fleet.jobEnd(step, never)).toMatchObject({ exitCode: 7 })
    const note = path.join(sky.folder, 'note')
    expect(await fleet.fetch('vm', 'note', note)).toBe(true)
    expect(await readFile(note, 'utf8')).toBe('hello\n')
    expect(await fleet.down(['vm', 'never-was', 'No Name'])).toEqual([
      { name: 'vm', verified: true },
      { name: 'never-was', verified: true },
      { name: 'No Name', verified: true },
    ])
    expect(sky.cloud.alive()).toEqual([])
    expect(it.warnings).toEqual([])
  })

  it('end while they are launched', async () => {
    await using sky = await createSkyStandIn({ speed: 20 })
    await using it = await fleetOn(sky)
    const launch = it.fleet
      .launch(await request(sky, { run: 'sleep 600' }), never)
      .catch((error: Error) => error)
    await expect.poll(() => sky.ledger.length, { timeout: 30_000 }).toBeGreaterThan(0)
    expect(await it.fleet.down(['vm'])).toEqual([{ name: 'vm', verified: true }])
    expect(await launch).toBeInstanceOf(Error)
    expect(sky.cloud.alive()).toEqual([])
  })

  it('that were taken away are lost', async () => {
    await using sky = await createSkyStandIn({ speed: 50 })
    await using it = await fleetOn(sky)
    const job = await it.fleet.launch(await request(sky, { run: 'sleep 600' }), never)
    const end = it.fleet.jobEnd(job, never).catch((error: unknown) => error)
    await sky.preempt('vm')
    expect(await end).toBeInstanceOf(VmLost)
    expect(await it.fleet.down(['vm'])).toEqual([{ name: 'vm', verified: true }])
  })

  it('are lost as soon as SkyPilot knows, however patient ssh is', async () => {
    await using sky = await createSkyStandIn({ speed: 50 })
    await using it = await fleetOn(sky, 24 * 3_600_000)
    const job = await it.fleet.launch(await request(sky, { run: 'sleep 600' }), never)
    const end = it.fleet.jobEnd(job, never).catch((error: unknown) => error)
    await sky.preempt('vm')
    expect(await end).toBeInstanceOf(VmLost)
  })

  it('nobody waits for what was ended', async () => {
    await using sky = await createSkyStandIn({ speed: 50 })
    await using it = await fleetOn(sky)
    const job = await it.fleet.launch(await request(sky, { run: 'sleep 600' }), never)
    const end = it.fleet.jobEnd(job, never).catch((error: unknown) => error)
    await it.fleet.down(['vm'])
    expect(await end).toBeInstanceOf(VmLost)
  })

  it('are adopted when they are wanted warm and hold the same', async () => {
    await using sky = await createSkyStandIn({ speed: 50 })
    await using first = await fleetOn(sky)
    const warm = await request(sky, { run: 'sleep 600' }, { reuse: true })
    const job = await first.fleet.launch(warm, never)
    await expect.poll(async () => (await first.fleet.jobState(job)).status, PATIENT).toBe('RUNNING')
    await expect
      .poll(() => first.fleet.fetch('vm', '.lmrun-content', path.join(sky.folder, 'c')), PATIENT)
      .toBe(true)
    await using second = await fleetOn(sky)
    const labels = { 'lmrun-run': '8' }
    expect(await second.fleet.launch({ ...warm, labels }, never)).toEqual(job)
    expect(sky.ledger).toHaveLength(1)
    await second.fleet.launch({ ...warm, envs: { MORE: '1' } }, never)
    expect(sky.ledger).toHaveLength(2)
    expect(await second.fleet.down(['vm'])).toEqual([{ name: 'vm', verified: true }])
  })

  it('say why they could not be launched', async () => {
    await using sky = await createSkyStandIn({ speed: 50 })
    await using it = await fleetOn(sky)
    sky.fault({ command: 'launch', action: { kind: 'garbage' } })
    const failed = await it.fleet
      .launch(await request(sky, { run: 'true' }), never)
      .catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(LaunchFailed)
    expect(await it.fleet.down(['vm'])).toEqual([{ name: 'vm', verified: true }])
  })
})
