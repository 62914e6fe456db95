import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkGcp, type GcpNeed } from '../../../../src/fleet/sky/preflight/gcp.ts'

const TOKEN = 'a-token-of-google'
const ACCESS = 'ya29.access'

/** Google's token service and Compute Engine, as far as the preflight asks them. */
let server: Server
let folder: string
let quotas: Record<string, { metric: string; limit: number; usage: number }[]>
let asked: string[]

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-gcp-'))
  quotas = {
    'us-central1': [
      { metric: 'NVIDIA_L4_GPUS', limit: 8, usage: 5 },
      { metric: 'PREEMPTIBLE_NVIDIA_L4_GPUS', limit: 8, usage: 0 },
    ],
  }
  asked = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      const { status, reply } = answer(request.url ?? '', body, request.headers.authorization)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

function answer(url: string, body: string, authorization: string | undefined) {
  asked.push(url)
  if (url === '/token') {
    if (new URLSearchParams(body).get('subject_token') !== TOKEN)
      return { status: 400, reply: { error: 'invalid_grant', error_description: 'the token has expired' } }
    return {
      status: 200,
      reply: { access_token: 'federated', issued_token_type: 'x', token_type: 'Bearer', expires_in: 3600 },
    }
  }
  if (url === '/impersonate' && authorization === 'Bearer federated')
    return { status: 200, reply: { accessToken: ACCESS, expireTime: new Date(Date.now() + 3_600_000) } }
  const [, region = ''] = /^\/compute\/projects\/my-project\/regions\/([\w-]+)$/.exec(url) ?? []
  if (authorization !== `Bearer ${ACCESS}`) return { status: 401, reply: {} }
  const found = quotas[region]
  return found ? { status: 200, reply: { quotas: found } } : { status: 404, reply: {} }
}

/** The environment that `credentials` makes, with our addresses in the document. */
async function envWith(token: string) {
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [file, source] = [path.join(folder, 'gcp.json'), path.join(folder, 'gcp.token')]
  await writeFile(source, token)
  const document = {
    type: 'external_account',
    audience:
      '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/providers/github',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${base}/token`,
    credential_source: { file: source, format: { type: 'text' } },
    service_account_impersonation_url: `${base}/impersonate`,
  }
  await writeFile(file, JSON.stringify(document))
  return {
    GOOGLE_APPLICATION_CREDENTIALS: file,
    GOOGLE_CLOUD_PROJECT: 'my-project',
    CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `${base}/compute/`,
  }
}

const need = (change: Partial<GcpNeed>): GcpNeed => ({
  ...{ region: 'us-central1', accelerator: 'L4', count: 1, spot: false },
  ...change,
})

describe('the preflight on Google Cloud', () => {
  it('becomes the service account, and counts what the region uses already', async () => {
    const needs = [need({ count: 2 }), need({ count: 2 }), need({ count: 4, spot: true })]
    const checks = await checkGcp(await envWith(TOKEN), needs)
    expect(checks.map(({ what, status, detail }) => [what, status, detail])).toEqual([
      ['credentials of gcp', 'ok', expect.stringContaining('project my-project')],
      ['quota of NVIDIA_L4_GPUS in us-central1', 'failed', '3 of 8 free, 4 needed'],
      ['quota of PREEMPTIBLE_NVIDIA_L4_GPUS in us-central1', 'ok', '8 of 8 free, 4 needed'],
    ])
    expect(asked.slice(0, 2)).toEqual(['/token', '/impersonate'])
  })

  it('says what could not be asked, and what the region does not list', async () => {
    const needs = [need({ region: 'mars-north1' }), need({ accelerator: 'B200' })]
    const [, ...checks] = await checkGcp(await envWith(TOKEN), needs)
    expect(checks.map(({ status, detail }) => [status, detail])).toEqual([
      ['unknown', 'Google answered 404'],
      ['unknown', 'the region lists no such quota'],
    ])
  })

  it('refuses a token that Google does not take, and asks for nothing else', async () => {
    const checks = await checkGcp(await envWith('old'), [need({})])
    expect(checks).toEqual([
      {
        what: 'credentials of gcp',
        status: 'failed',
        detail: expect.stringContaining('the token has expired'),
        hint: expect.stringContaining('gcp-workload-identity-provider'),
      },
    ])
    expect(asked).toEqual(['/token'])
  })
})
