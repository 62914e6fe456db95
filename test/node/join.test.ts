/** What lets a VM in: whose CA it is of, and the file that a run hands over, on a clock of its own. */
import { createHash, X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import type { Join } from '../../src/mesh-join.ts'
import { hashOfCa } from '../../src/mesh-token.ts'
import { writePlanned } from '../../src/node/files.ts'
import { obtainOffer } from '../../src/node/join/source.ts'
import { storeRegion } from '../../src/node/join/ssm.ts'
import { splitToken } from '../../src/node/join/trust.ts'
import { findPublicIp } from '../../src/node/public-ip.ts'
import type { System } from '../../src/node/system.ts'

const MINUTE = 60_000
const START = 1_800_000_000_000
const join: Join = {
  version: 1,
  main: { mesh: 'main', privateIp: null, publicIp: '198.51.100.1', port: 6443, cloud: 'aws', region: null },
  token: `K10${'a'.repeat(64)}::abcdef.0123456789abcdef`,
  expiresAt: START / 1000 + 3600,
  launch: 'x8d3a',
  labels: {},
}
let root: string

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lmrun-join-'))
  await mkdir(path.join(root, 'home/.lmrun'), { recursive: true })
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** Time passes when somebody sleeps; `at` is done as soon as it has come. */
function clockWith(at: readonly (readonly [number, () => Promise<unknown>])[]): Clock {
  let now = START
  const left = [...at]
  return {
    now: () => now,
    sleep: async ms => {
      now += ms
      while (left[0] && START + left[0][0] <= now) await left.shift()?.[1]()
    },
    timeout: () => new AbortController().signal,
    every: () => ({ [Symbol.dispose]: () => {} }),
  }
}

function system(clock: Clock, env: Record<string, string> = { LMRUN_MESH: 'join' }): System {
  return { root, env: { HOME: '/home', ...env }, clock, signal: AbortSignal.timeout(60_000), log: () => {} }
}

const file = () => path.join(root, 'home/.lmrun/join.json')
const writeJoin = (content: string) => () => writeFile(file(), content)

describe('a VM of a run', () => {
  test('waits for its file, also while that is being written', async () => {
    const text = JSON.stringify(join)
    const clock = clockWith([
      [5 * MINUTE, writeJoin(text.slice(0, 40))],
      [5 * MINUTE + 3000, writeJoin(text)],
    ])
    const offer = await obtainOffer(system(clock), null)
    expect(offer.join).toEqual(join)
    expect(clock.now()).toBe(START + 5 * MINUTE + 3000)
    await offer.used()
    await expect(stat(file())).rejects.toThrow(/ENOENT/)
  })

  test('does not wait for ever', async () => {
    const clock = clockWith([])
    await expect(obtainOffer(system(clock), null)).rejects.toThrow(
      /nobody let this VM into the mesh for 30 minutes/,
    )
    expect(clock.now() - START).toBe(30 * MINUTE)
  })

  test('is told when its file is of another version', async () => {
    const clock = clockWith([[0, writeJoin(JSON.stringify({ ...join, version: 2 }))]])
    await expect(obtainOffer(system(clock), null)).rejects.toThrow(/join\.json is none of this version/)
  })

  test('is told when it came too late, and nothing of the token', async () => {
    const clock = clockWith([[0, writeJoin(JSON.stringify({ ...join, expiresAt: START / 1000 - 60 }))]])
    const error = await obtainOffer(system(clock), null).catch((cause: Error) => cause)
    expect(String(error)).toMatch(/the token for the mesh main expired 2 minutes ago/)
    expect(JSON.stringify(error)).not.toContain('0123456789abcdef')
  })
})

test('by hand the store is in the region that is said, else in the VM’s own on AWS', () => {
  const info = (cloud: string) => ({ SKYPILOT_CLUSTER_INFO: JSON.stringify({ cloud, region: 'eu-west-1' }) })
  expect(storeRegion({ env: { AWS_DEFAULT_REGION: 'us-east-1', ...info('AWS') } })).toBe('us-east-1')
  expect(storeRegion({ env: info('AWS') })).toBe('eu-west-1')
  expect(storeRegion({ env: info('GCP') })).toBeNull()
  expect(storeRegion({ env: {} })).toBeNull()
})

describe('the hash of a CA', () => {
  const [one = '', other = ''] = rootCertificates

  test('of one certificate is that of its text, byte for byte', () => {
    expect(hashOfCa(`${one}\n`)).toBe(createHash('sha256').update(`${one}\n`).digest('hex'))
    expect(hashOfCa(one)).not.toBe(hashOfCa(`${one}\n`))
  })

  test('of a bundle is that of its root', () => {
    const root = createHash('sha256').update(new X509Certificate(one).raw).digest('hex')
    expect(hashOfCa(`${one}\n${other}\n`)).toBe(root)
  })

  test('of nothing is nobody’s', () => {
    expect(hashOfCa('')).not.toBe(splitToken(join.token).caHash)
    expect(splitToken(join.token)).toEqual({ caHash: 'a'.repeat(64), secret: 'abcdef.0123456789abcdef' })
  })
})

describe('a public address', () => {
  let server: Server
  let asked: string[]
  let answer: string
  let base: string

  beforeEach(async () => {
    asked = []
    answer = '203.0.113.7\n'
    server = createServer(({ method, url, headers }, response) => {
      const key = ['x-aws-ec2-metadata-token', 'metadata-flavor', 'metadata'].find(name => headers[name])
      asked.push([method, url, key].filter(Boolean).join(' '))
      if (answer === '') response.writeHead(404).end()
      else response.end(url === '/latest/api/token' ? 'key' : answer)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const find = (cloud: string | null, own = '10.0.0.1') =>
    findPublicIp(cloud, own, { metadata: base, echo: `${base}/echo` }, AbortSignal.timeout(30_000))

  test.each([
    ['aws', 'GET /latest/meta-data/public-ipv4 x-aws-ec2-metadata-token'],
    [
      'gcp',
      'GET /computeMetadata/v1/instance/network-interfaces/0/access-configs/0/external-ip metadata-flavor',
    ],
    ['azure', /publicIpAddress\?api-version=.* metadata$/],
    ['lambda', 'GET /echo'],
    [null, 'GET /echo'],
  ])('on %s is asked for at %s', async (cloud, expected) => {
    expect(await find(cloud)).toBe('203.0.113.7')
    expect(asked.at(-1)).toMatch(expected)
  })

  test('that the interface has is not asked for', async () => {
    expect(await find('lambda', '198.51.100.4')).toBe('198.51.100.4')
    expect(asked).toEqual([])
  })

  test.each(['', '10.1.2.3', '<html>', '203.0.113.7, 203.0.113.8'])('is not %j', async wrong => {
    answer = wrong
    expect(await find('gcp')).toBeNull()
  })
})

describe('files', () => {
  test('are written once, with their mode from the first moment', async () => {
    const planned = { path: '/etc/x/token', mode: 0o600, content: 'secret' }
    expect(await writePlanned(root, [planned])).toEqual(['/etc/x/token'])
    expect((await stat(path.join(root, planned.path))).mode & 0o777).toBe(0o600)
    expect(await writePlanned(root, [planned])).toEqual([])
    expect(await writePlanned(root, [{ ...planned, mode: 0o644 }])).toEqual(['/etc/x/token'])
    expect((await stat(path.join(root, planned.path))).mode & 0o777).toBe(0o644)
  })
})
