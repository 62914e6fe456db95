import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { stringify } from 'yaml'
import { createSkyCli } from '../../../src/fleet/sky/cli.ts'
import { lateCli } from '../../../src/fleet/sky/late-cli.ts'
import { LogGroups, PLAIN_GROUPS } from '../../../src/fleet/sky/log-groups.ts'
import { createRealSkyFleet } from '../../../src/fleet/sky/real.ts'
import { ApiServer, type ApiServerOptions, noticing } from '../../../src/fleet/sky/server.ts'
import { sharedServer } from '../../../src/fleet/sky/server-address.ts'
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
  const server = serverOf(sky, cli, false, { launchesMs: 0 })
  await server.notice()
  sky.fault({ command: 'launch', action: { kind: 'hang' } })
  const killed = new AbortController()
  const launching = launch(sky, cli, killed.signal)
  await launchIsSeen(cli)
  killed.abort()
  await expect(launching).rejects.toThrow()
  await server.stop()
  expect(sky.servers()).toHaveLength(1)
})

test('a launch that is called off is waited for', async () => {
  await using sky = await createSkyStandIn({ speed: 50 })
  const cli = cliOf(sky)
  const server = serverOf(sky, cli, false)
  await server.notice()
  sky.fault({ command: 'launch', action: { kind: 'hang' } })
  const launching = launch(sky, cli)
  await launchIsSeen(cli)
  const stopped = server.stop()
  await cli.run(['api', 'cancel', '-y', '-a'])
  await Promise.all([stopped, launching])
  await expect.poll(() => sky.servers()).toEqual([])
})

test('no server is ours where no sky was found', async () => {
  await using sky = await createSkyStandIn()
  const find = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const cli = lateCli(find, path.join(sky.folder, 'records'))
  const server = serverOf(sky, cli, false)
  const noticed = noticing(cli, () => server, new AbortController().signal)
  const call = noticed.run(['status'])
  await noticed.endAll()
  await expect(call).rejects.toThrow('the run is over')
  expect(await server.isOurs()).toBe(false)
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

describe('closing a fleet', () => {
  it('stops the server that it started', async () => {
    await using sky = await createSkyStandIn({ speed: 50 })
    await listAndClose(sky)
    await expect.poll(() => sky.servers()).toEqual([])
  })

  it('stops none when `sky api login` leads to one of others', async () => {
    await using sky = await createSkyStandIn({ speed: 50 })
    await login(path.join(sky.home, '.sky/config.yaml'), 'https://sky.example.com')
    await listAndClose(sky)
    expect(sky.servers()).toHaveLength(1)
  })
})

describe('the address of a server of others', () => {
  const cases: readonly [string, Record<string, string>, Record<string, string>, string | null][] = [
    ['is none without a word of it', {}, {}, null],
    ['comes from the environment', { SKYPILOT_API_SERVER_ENDPOINT: 'https://a' }, {}, 'https://a'],
    ['comes from sky api login', {}, { '.sky/config.yaml': 'https://b' }, 'https://b'],
    [
      'comes from the project first',
      {},
      { '.sky/config.yaml': 'https://b', '.sky.yaml': 'https://c' },
      'https://c',
    ],
    [
      'is where a variable says',
      { SKYPILOT_GLOBAL_CONFIG: '~/d.yaml' },
      { 'd.yaml': 'https://d' },
      'https://d',
    ],
    ['is none when it is this machine', {}, { '.sky/config.yaml': 'http://127.0.0.1:46580/' }, null],
    ['is one on another port', {}, { '.sky/config.yaml': 'http://127.0.0.1:8080' }, 'http://127.0.0.1:8080'],
  ]
  it.each(cases)('%s', async (_, env, files, address) => {
    const home = await mkdtemp(path.join(tmpdir(), 'lmrun-address-'))
    try {
      for (const [file, endpoint] of Object.entries(files)) await login(path.join(home, file), endpoint)
      expect(await sharedServer({ HOME: home, ...env }, home)).toBe(address)
    } finally {
      await rm(home, { recursive: true })
    }
  })

  it('is none when the file cannot be read, as SkyPilot takes it', async () => {
    await using sky = await createSkyStandIn()
    await mkdir(path.join(sky.home, '.sky'), { recursive: true })
    await writeFile(path.join(sky.home, '.sky/config.yaml'), '{')
    expect(await sharedServer({ HOME: sky.home }, sky.home)).toBeNull()
  })
})

async function login(file: string, endpoint: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, stringify({ api_server: { endpoint } }))
}

async function listAndClose(sky: SkyStandIn): Promise<void> {
  const env = { ...process.env, ...sky.env, RUNNER_TEMP: path.join(sky.folder, 'temp') }
  const fleet = await createRealSkyFleet({ env, infra: [], log: () => {}, warn: () => {} })
  expect(await fleet.list()).toEqual([])
  await fleet.close()
}

function serverOf(
  sky: SkyStandIn,
  cli: SkyCli,
  answers: boolean,
  more: Partial<ApiServerOptions> = {},
): ApiServer {
  const folder = path.join(sky.folder, 'run')
  return new ApiServer({ cli, folder, shared: false, answers: async () => answers, ...more })
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

async function launchIsSeen(cli: SkyCli): Promise<void> {
  const asked = async () => (await cli.run(['api', 'status', '-o', 'json'])).stdout
  await expect.poll(asked).toContain('sky.launch')
}
