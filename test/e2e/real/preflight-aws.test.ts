/** The preflight's AWS part against moto: identity by a token file, and quota less what the account uses. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { EC2Client, RunInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AwsNeed, checkAwsIdentity, checkAwsQuotas } from '../../../src/fleet/sky/preflight/aws.ts'
import { type Moto, startMoto } from '../../sweep/support/moto.ts'

const ROLE = 'arn:aws:iam::123456789012:role/lmrun'
const IMAGE = 'ami-12c6146b'
const KEYS = { AWS_ACCESS_KEY_ID: 'testing', AWS_SECRET_ACCESS_KEY: 'testing' }

let moto: Moto
let server: Server
let folder: string
let url: string
let expired: boolean
let silent: boolean

beforeAll(async () => {
  moto = await startMoto()
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-preflight-aws-'))
  await writeFile(path.join(folder, 'token'), 'head.claims.sign')
  server = createServer((request, response) => {
    answer(request).then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      error => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}, 300_000)

beforeEach(() => {
  expired = false
  silent = false
})

afterAll(async () => {
  server?.closeAllConnections()
  await new Promise(resolve => server?.close(resolve))
  await moto?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** All that moto knows is moto's; it has no quotas of EC2 and takes any token. */
async function answer(request: IncomingMessage) {
  const body = await buffer(request)
  const { host, 'content-length': _, connection: __, ...headers } = request.headers
  if (String(headers['x-amz-target']).includes('GetServiceQuota')) {
    const { QuotaCode } = JSON.parse(body.toString())
    return {
      status: 200,
      type: 'application/x-amz-json-1.1',
      body: JSON.stringify({ Quota: { QuotaCode, Value: 96 } }),
    }
  }
  if (expired && body.includes('AssumeRoleWithWebIdentity')) {
    const error =
      '<Error><Type>Sender</Type><Code>ExpiredTokenException</Code><Message>Token expired</Message></Error>'
    return { status: 400, type: 'text/xml', body: `<ErrorResponse>${error}</ErrorResponse>` }
  }
  if (silent && body.includes('DescribeInstances')) {
    const error = '<Code>UnauthorizedOperation</Code><Message>not allowed to look</Message>'
    return {
      status: 403,
      type: 'text/xml',
      body: `<Response><Errors><Error>${error}</Error></Errors></Response>`,
    }
  }
  const reply = await fetch(`${moto.url}${request.url}`, {
    method: request.method ?? 'POST',
    headers: headers as Record<string, string>,
    body,
  })
  return {
    status: reply.status,
    type: reply.headers.get('content-type') ?? 'text/xml',
    body: await reply.text(),
  }
}

const byToken = () => ({
  AWS_ENDPOINT_URL: url,
  AWS_ROLE_ARN: ROLE,
  AWS_WEB_IDENTITY_TOKEN_FILE: path.join(folder, 'token'),
})

describe('the identity', () => {
  it('is that of the role, for as long as the token is kept fresh', async () => {
    const found = await checkAwsIdentity(byToken(), Date.now() + 10 * 3_600_000)
    expect(found).toMatchObject({
      status: 'ok',
      detail: expect.stringMatching(/assumed-role\/lmrun\/lmrun-preflight of account 123456789012; renewed/),
    })
  })

  it('is refused with a token that AWS does not take', async () => {
    expired = true
    const found = await checkAwsIdentity(byToken(), Date.now())
    expect(found).toMatchObject({ status: 'failed', detail: expect.stringContaining('Token expired') })
  })
})

describe('the quota', () => {
  const region = 'eu-central-1'
  const need = (change: Partial<AwsNeed> = {}): AwsNeed => ({
    ...{ region, instance: 'g4dn.12xlarge', vcpus: 48, spot: false },
    ...change,
  })
  const look = (...needs: AwsNeed[]) => checkAwsQuotas({ ...KEYS, AWS_ENDPOINT_URL: url }, needs)

  it('counts what runs in the account by the type, and nothing that is stopped or of another quota', async () => {
    const ec2 = new EC2Client({
      region,
      endpoint: moto.url,
      credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
    })
    const launch = async (InstanceType: 'g4dn.12xlarge' | 'm5.24xlarge', spot = false) => {
      const market = spot ? { InstanceMarketOptions: { MarketType: 'spot' as const } } : {}
      const command = new RunInstancesCommand({
        ImageId: IMAGE,
        MinCount: 1,
        MaxCount: 1,
        InstanceType,
        ...market,
      })
      const { Instances = [] } = await ec2.send(command)
      return Instances.flatMap(({ InstanceId }) => InstanceId ?? [])
    }
    await launch('m5.24xlarge')
    const stopped = await launch('g4dn.12xlarge')
    await ec2.send(new StopInstancesCommand({ InstanceIds: stopped }))
    expect(await look(need())).toMatchObject([{ status: 'ok', detail: '96 vCPUs, 0 in use, 48 needed' }])
    await launch('g4dn.12xlarge')
    expect(await look(need())).toMatchObject([{ status: 'ok', detail: '96 vCPUs, 48 in use, 48 needed' }])
    expect(await look(need(), need(), need({ spot: true }))).toMatchObject([
      {
        what: `vCPU quota of G and VT, on demand in ${region}`,
        status: 'failed',
        detail: '96 vCPUs, 48 in use, 96 needed',
      },
      {
        what: `vCPU quota of G and VT, spot in ${region}`,
        status: 'ok',
        detail: '96 vCPUs, 0 in use, 48 needed',
      },
    ])
    await launch('g4dn.12xlarge', true)
    expect(await look(need({ spot: true }))).toMatchObject([{ detail: '96 vCPUs, 48 in use, 48 needed' }])
  })

  it('is an upper bound for who may not look at what runs', async () => {
    silent = true
    expect(await look(need())).toMatchObject([
      {
        status: 'unknown',
        detail: expect.stringMatching(/in use is not known \(.*not allowed to look.*\), 48 needed/),
      },
    ])
    expect(await look(need(), need(), need())).toMatchObject([{ status: 'failed' }])
  })
})
