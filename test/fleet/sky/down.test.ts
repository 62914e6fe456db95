import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { type Clock, systemClock } from '../../../src/clock.ts'
import { createSkyCli } from '../../../src/fleet/sky/cli.ts'
import { endVms } from '../../../src/fleet/sky/down.ts'
import { LogGroups, PLAIN_GROUPS } from '../../../src/fleet/sky/log-groups.ts'
import { VmNotes } from '../../../src/fleet/sky/notes.ts'
import type { SkyCli, VmAccess } from '../../../src/fleet/sky/types.ts'
import { createSkyStandIn, type SkyStandIn } from '../../support/sky-stand-in/stand-in.ts'

const SPEED = 20
const TEARDOWN_MS = 240_000

test('a down that hangs is given up and asked again, within the time for all', async () => {
  await using sky = await createSkyStandIn({ speed: SPEED })
  const cli = cliOf(sky)
  await launch(sky, cli)
  sky.fault({ command: 'down', times: 1, action: { kind: 'hang' } })
  expect(await end(sky, cli)).toEqual([{ name: 'vm', verified: true }])
  expect(sky.cloud.alive()).toEqual([])
})

test('a down that hangs keeps no other VM from being asked again', async () => {
  await using sky = await createSkyStandIn({ speed: SPEED })
  const cli = cliOf(sky)
  await Promise.all([launch(sky, cli, 'one'), launch(sky, cli, 'two')])
  sky.fault({ command: 'down', name: /one/, action: { kind: 'hang' } })
  sky.fault({ command: 'down', name: /two/, times: 2, action: { kind: 'locked' } })
  const [one, two] = await end(sky, cli, ['one', 'two'])
  expect(one).toMatchObject({ name: 'one', verified: false, command: 'sky down -y one' })
  expect(two).toEqual({ name: 'two', verified: true })
})

test('a look that hangs is given up, and taken again', async () => {
  await using sky = await createSkyStandIn({ speed: SPEED })
  const cli = cliOf(sky)
  await launch(sky, cli)
  sky.fault({ command: 'status', times: 1, action: { kind: 'hang' } })
  expect(await end(sky, cli)).toEqual([{ name: 'vm', verified: true }])
})

test('a launch that is not listed yet is waited for, and ended', async () => {
  await using sky = await createSkyStandIn({ speed: SPEED })
  const cli = cliOf(sky)
  const killed = new AbortController()
  // Its request is accepted; its VM is not in any list before a minute has passed.
  sky.fault({ command: 'launch', action: { kind: 'slow', seconds: 60 } })
  const launching = launch(sky, cli, 'vm', killed.signal).catch(() => {})
  await expect.poll(async () => (await cli.run(['api', 'status'])).stdout).toContain('sky.launch')
  killed.abort()
  await launching
  expect(await end(sky, cli)).toEqual([{ name: 'vm', verified: true }])
  expect(sky.cloud.alive()).toEqual([])
  expect(sky.ledger).toHaveLength(1)
})

function end(sky: SkyStandIn, cli: SkyCli, names = ['vm']) {
  const notes = new VmNotes(path.join(sky.folder, 'notes'))
  const access = { leave: async () => {} } as Partial<VmAccess> as VmAccess
  return endVms({ cli, clock: fast(SPEED), access, notes }, names, TEARDOWN_MS)
}

/** So that the product's minutes pass as fast as the stand-in's. */
function fast(speed: number): Clock {
  return {
    ...systemClock,
    now: () => performance.now() * speed,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
    timeout: ms => systemClock.timeout(Math.ceil(ms / speed)),
  }
}

function cliOf(sky: SkyStandIn): SkyCli {
  const env = { ...process.env, ...sky.env }
  const groups = new LogGroups(() => {}, PLAIN_GROUPS)
  return createSkyCli({ bin: 'sky', records: path.join(sky.folder, 'records'), env, groups })
}

async function launch(sky: SkyStandIn, cli: SkyCli, vm = 'vm', signal?: AbortSignal): Promise<void> {
  const file = path.join(sky.folder, `${vm}.yaml`)
  await writeFile(file, stringify({ name: 'task', resources: { infra: 'aws' }, run: 'sleep 600' }))
  await cli.run(['launch', '-y', '-d', '-c', vm, file], signal ? { signal } : {})
}
