import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCredentials } from '../../src/credentials/credentials.ts'

const ROLE = { awsRole: 'arn:aws:iam::123456789012:role/lmrun' }
const PROVIDER = 'projects/1/locations/global/workloadIdentityPools/github/providers/github'
const ACCOUNT = 'lmrun@my-project.iam.gserviceaccount.com'
const NOW = 1_800_000_000_000

let folder: string
let server: Server
let asked: string[]
let failing: boolean
let now: number
let tick: (() => void) | null
let warnings: string[]
let masked: string[]

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-credentials-'))
  asked = []
  failing = false
  now = NOW
  tick = null
  warnings = []
  masked = []
  server = createServer((request, response) => {
    const audience = new URL(request.url ?? '', 'http://x').searchParams.get('audience') ?? ''
    asked.push(audience)
    if (failing || request.headers.authorization !== 'Bearer right') return void response.writeHead(500).end()
    const claims = Buffer.from(JSON.stringify({ exp: now / 1000 + 300, n: asked.length })).toString(
      'base64url',
    )
    response.end(JSON.stringify({ value: `head.${claims}.sign` }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

describe('credentials over time', () => {
  it('touch nothing without a role, and nothing with a shared API server', async () => {
    const env = jobEnv()
    expect((await open({}, env)).env).toBe(env)
    const shared = jobEnv({ SKYPILOT_API_SERVER_ENDPOINT: 'http://127.0.0.1:1' })
    expect((await open(ROLE, shared)).env).toBe(shared)
    expect(asked).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  it('lead AWS to a token that only its owner reads, and take out what would win over it', async () => {
    await using credentials = await open(ROLE, jobEnv({ AWS_ACCESS_KEY_ID: 'old', AWS_PROFILE: 'mine' }))
    const { env } = credentials
    const file = env.AWS_WEB_IDENTITY_TOKEN_FILE ?? ''
    expect(env).toMatchObject({ AWS_ROLE_ARN: ROLE.awsRole, AWS_ROLE_SESSION_NAME: 'lmrun-42' })
    expect([env.AWS_ACCESS_KEY_ID, env.AWS_PROFILE]).toEqual([undefined, undefined])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(masked).toEqual([await readFile(file, 'utf8')])
    expect(asked).toEqual(['sts.amazonaws.com'])
  })

  it('lead Google and gcloud to the same file', async () => {
    await using credentials = await open({
      gcpWorkloadIdentityProvider: PROVIDER,
      gcpServiceAccount: ACCOUNT,
    })
    const { env } = credentials
    const document = JSON.parse(await readFile(env.GOOGLE_APPLICATION_CREDENTIALS ?? '', 'utf8'))
    expect(document).toMatchObject({ type: 'external_account', audience: `//iam.googleapis.com/${PROVIDER}` })
    expect(await readFile(document.credential_source.file, 'utf8')).toMatch(/^head\./)
    expect(env).toMatchObject({
      CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE: env.GOOGLE_APPLICATION_CREDENTIALS,
      GOOGLE_CLOUD_PROJECT: 'my-project',
    })
  })

  it('are renewed before they end, and not before that is due', async () => {
    await using credentials = await open(ROLE)
    now += 60_000
    tick?.()
    await settled(() => asked.length === 1)
    now += 120_000
    tick?.()
    await settled(() => asked.length === 2)
    const token = await settledToken(credentials.env.AWS_WEB_IDENTITY_TOKEN_FILE, masked, 2)
    expect(token).toBe(masked[1])
  })

  it('that cannot be renewed are a warning, and tried again', async () => {
    await using credentials = await open(ROLE)
    failing = true
    now += 200_000
    tick?.()
    await settled(() => warnings.length === 1)
    expect(warnings[0]).toContain('GitHub answered 500')
    failing = false
    tick?.()
    await settled(() => masked.length === 2)
    await expect(credentials.renew()).resolves.toBeUndefined()
  })

  it('are gone at the end', async () => {
    await (await open({ ...ROLE, gcpWorkloadIdentityProvider: PROVIDER, gcpServiceAccount: ACCOUNT }))[
      Symbol.asyncDispose
    ]()
    expect(await readdir(path.join(folder, 'lmrun-credentials'))).toEqual([])
  })

  it('say what is missing', async () => {
    await expect(open(ROLE, { RUNNER_TEMP: folder })).rejects.toThrow('id-token: write')
    await expect(open({ gcpWorkloadIdentityProvider: PROVIDER })).rejects.toThrow('gcp-service-account')
    await expect(open(ROLE, jobEnv({ ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'wrong' }))).rejects.toThrow(
      'answered 500',
    )
  })
})

function jobEnv(more: Record<string, string> = {}) {
  const { port } = server.address() as AddressInfo
  return {
    RUNNER_TEMP: folder,
    GITHUB_RUN_ID: '42',
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'right',
    ...more,
  }
}

function open(identity: Parameters<typeof openCredentials>[0], env: Record<string, string> = jobEnv()) {
  return openCredentials(identity, {
    env,
    clock: {
      now: () => now,
      sleep: async () => {},
      timeout: () => new AbortController().signal,
      every: (_, work) => {
        tick = work
        return {
          [Symbol.dispose]() {
            tick = null
          },
        }
      },
    },
    mask: token => void masked.push(token),
    warn: text => void warnings.push(text),
  })
}

async function settled(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(resolve => setTimeout(resolve, 10))
}

async function settledToken(file = '', tokens: readonly string[], count: number): Promise<string> {
  await settled(() => tokens.length === count)
  let text = ''
  do text = await readFile(file, 'utf8')
  while (text !== tokens[count - 1])
  return text
}
