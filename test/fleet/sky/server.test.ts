import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { createSkyCli } from '../../../src/fleet/sky/cli.ts'
import { LogGroups, PLAIN_GROUPS } from '../../../src/fleet/sky/log-groups.ts'
import { ApiServer } from '../../../src/fleet/sky/server.ts'
import type { SkyCli } from '../../../src/fleet/sky/types.ts'
import { createSkyStandIn, type SkyStandIn } from '../../support/sky-stand-in/stand-in.ts'

test('a server of ours is stopped when no VM is left, and not before', async () => {
  await using sky = await createSkyStandIn({ speed: 50 })
  const cli = cliOf(sky)
  const server = serverOf(sky, cli, false)
  await server.notice()
  await launch(sky, cli)
  await server.stop()
  expect(sky.servers()).toHaveLength(1)
  await cli.run(['down', '-y', 'vm'])
  await server.stop()
  await expect.poll(() => sky.servers()).toEqual([])
})

test('a server that may still make a VM is not stopped', async () => {
  await using sky = await createSkyStandIn({ speed: 50 })
  const cli = cliOf(sky)
  const server = serverOf(sky, cli, false)
  await server.notice()
  sky.fault({ command: 'launch', action: { kind: 'hang' } })
  const killed = new AbortController()
  const launching = launch(sky, cli, killed.signal)
  await expect
    .poll(async () => (await cli.run(['api', 'status', '-o', 'json'])).stdout)
    .toContain('sky.launch')
  killed.abort()
  await expect(launching).rejects.toThrow()
  await server.stop()
  expect(sky.servers()).toHaveLength(1)
})

test('a server that was there before is left alone', async () => {
  await using sky = await createSkyStandIn({ speed: 50 })
  const cli = cliOf(sky)
  await cli.run(['status', '-o', 'json'])
  const server = serverOf(sky, cli, true)
  await server.notice()
  await server.stop()
  expect(sky.servers()).toHaveLength(1)
})

function serverOf(sky: SkyStandIn, cli: SkyCli, answers: boolean): ApiServer {
  const folder = path.join(sky.folder, 'run')
  return new ApiServer({ cli, folder, shared: false, answers: async () => answers })
}

function cliOf(sky: SkyStandIn): SkyCli {
  const env = { ...process.env, ...sky.env }
  const groups = new LogGroups(() => {}, PLAIN_GROUPS)
  return createSkyCli({ bin: 'sky', records: path.join(sky.folder, 'records'), env, groups })
}

async function launch(sky: SkyStandIn, cli: SkyCli, signal?: AbortSignal): Promise<void> {
  const file = path.join(sky.folder, 'task.yaml')
  await writeFile(file, stringify({ name: 'task', resources: { infra: 'aws' }, run: 'sleep 600' }))
  await cli.run(['launch', '-y', '-d', '-c', 'vm', file], signal ? { signal } : {})
}
