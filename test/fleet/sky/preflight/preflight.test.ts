import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/clock.ts'
import { InputError } from '../../../../src/errors.ts'
import type { LaunchRequest, Offer } from '../../../../src/fleet/fleet.ts'
import { awsValidity, quotasNeeded, validityCheck } from '../../../../src/fleet/sky/preflight/aws.ts'
import { budgetProblems, estimate } from '../../../../src/fleet/sky/preflight/budget.ts'
import { gpuMetric, quotaCheck } from '../../../../src/fleet/sky/preflight/gcp.ts'
import { lookAhead, preflight } from '../../../../src/fleet/sky/preflight/preflight.ts'
import type { SkyReply } from '../../../../src/fleet/sky/types.ts'

const TABLE = (row: string) => `Considered resources (1 node):
-------------------------------------------------------------------------------------------
 INFRA                 INSTANCE              vCPUs   Mem(GB)   GPUS     COST ($)   CHOSEN
-------------------------------------------------------------------------------------------
${row}
-------------------------------------------------------------------------------------------
Dryrun finished.`
const AWS_ROW = ' AWS (us-east-1)       g6.12xlarge[Spot]     48      192       L4:4     1.81          \u2714'

const TYPES = `<DescribeInstanceTypesResponse><instanceTypeSet>${Object.entries({
  'g6.12xlarge': 48,
  'm6i.large': 2,
})
  .map(
    ([type, vcpus]) =>
      `<item><instanceType>${type}</instanceType><vCpuInfo><defaultVCpus>${vcpus}</defaultVCpus></vCpuInfo></item>`,
  )
  .join('')}</instanceTypeSet></DescribeInstanceTypesResponse>`

const instances = () =>
  `<DescribeInstancesResponse><reservationSet><item><instancesSet>${running
    .map(
      ({ type, spot }, n) =>
        `<item><instanceId>i-${n}</instanceId><instanceType>${type}</instanceType>${spot ? '<instanceLifecycle>spot</instanceLifecycle>' : ''}</item>`,
    )
    .join('')}</instancesSet></item></reservationSet></DescribeInstancesResponse>`

let server: Server
let quota: number
let denied: boolean
/** Types of instances that run in the account. */
let running: { readonly type: string; readonly spot: boolean }[]

beforeEach(async () => {
  quota = 96
  denied = false
  running = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      if (denied) {
        response.writeHead(403, { 'content-type': 'text/xml' })
        return void response.end(
          '<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no such key</Message></Error></ErrorResponse>',
        )
      }
      if (body.includes('GetCallerIdentity')) {
        response.writeHead(200, { 'content-type': 'text/xml' })
        return void response.end(
          '<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ci</Arn><UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
        )
      }
      if (body.includes('Action=Describe')) {
        response.writeHead(200, { 'content-type': 'text/xml' })
        return void response.end(body.includes('InstanceTypes') ? TYPES : instances())
      }
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
      return void response.end(
        JSON.stringify({ Quota: { QuotaCode: JSON.parse(body).QuotaCode, Value: quota } }),
      )
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

describe('preflight on AWS', () => {
  it('finds identity, SkyPilot, offers and quota in order', async () => {
    const { checks, offers } = await preflight(
      [request('server-a'), request('server-b')],
      { minutes: 70 },
      deps(),
    )
    expect(checks.map(({ what, status }) => [what, status])).toEqual([
      ['credentials of aws', 'ok'],
      ['aws in SkyPilot', 'ok'],
      ['offer for server-a', 'ok'],
      ['offer for server-b', 'ok'],
      ['vCPU quota of G and VT, spot in us-east-1', 'ok'],
    ])
    expect(offers).toEqual([
      { vm: 'server-a', hourly: 1.81, spot: true, what: 'AWS (us-east-1) g6.12xlarge L4:4' },
      { vm: 'server-b', hourly: 1.81, spot: true, what: 'AWS (us-east-1) g6.12xlarge L4:4' },
    ])
  })

  it('refuses everything that is wrong at once, itemised', async () => {
    quota = 48
    const limits = { minutes: 70, maxHourlyCost: 3 }
    await expect(preflight([request('server-a'), request('server-b')], limits, deps())).rejects.toMatchObject(
      {
        name: 'InputError',
        problems: [
          {
            where: 'vCPU quota of G and VT, spot in us-east-1',
            what: expect.stringContaining('48 vCPUs, 0 in use, 96 needed'),
          },
          {
            where: 'max-hourly-cost',
            what: expect.stringMatching(/\$3\.62 .*server-a \$1\.81.*server-b \$1\.81/),
          },
        ],
      },
    )
  })

  it('counts what the account uses already, of the same quota alone', async () => {
    quota = 96
    const other = { type: 'm6i.large', spot: true }
    running = [other, { type: 'g6.12xlarge', spot: false }, { type: 'g6.12xlarge', spot: true }]
    const look = (names: readonly string[]) => lookAhead(names.map(request), { minutes: 70 }, deps())
    const quotaOf = async (names: readonly string[]) => (await look(names)).checks.at(-1)
    expect(await quotaOf(['server-a'])).toMatchObject({
      status: 'ok',
      detail: '96 vCPUs, 48 in use, 48 needed',
    })
    expect(await quotaOf(['server-a', 'server-b'])).toMatchObject({
      status: 'failed',
      detail: '96 vCPUs, 48 in use, 96 needed',
    })
  })

  it('says that the cloud refuses the key, and that SkyPilot cannot use it', async () => {
    denied = true
    const { checks } = await lookAhead(
      [request('server-a')],
      { minutes: 70 },
      deps({ check: '{"default": {}}' }),
    )
    expect(checks.filter(({ status }) => status === 'failed').map(({ what }) => what)).toEqual([
      'credentials of aws',
      'aws in SkyPilot',
    ])
  })

  it('takes an output that it cannot read for unknown, unless a price is needed', async () => {
    const odd = { check: 'surprise', dryrun: { exitCode: 0, stdout: 'Dryrun finished.', stderr: '' } }
    const { checks } = await preflight([request('server-a')], { minutes: 70 }, deps(odd))
    expect(checks.filter(({ status }) => status === 'unknown').map(({ what }) => what)).toEqual([
      '`sky check`',
      'offer for server-a',
    ])
    const limits = { minutes: 70, maxHourlyCost: 100 }
    await expect(preflight([request('server-a')], limits, deps(odd))).rejects.toThrow('is not known')
  })

  it('refuses what no cloud offers', async () => {
    const dryrun = { exitCode: 1, stdout: '', stderr: 'No launchable resource found for B200:64.\n' }
    await expect(preflight([request('server-a')], { minutes: 70 }, deps({ dryrun }))).rejects.toThrow(
      'No launchable resource found',
    )
  })

  it('looks at the others when a template is wrong', async () => {
    const { renderer, ...rest } = deps()
    const problem = { where: 'my.yaml', what: 'no setup', allowed: 'Give one' }
    const render = async (asked: LaunchRequest) => {
      if (asked.name === 'server-a') throw new InputError([problem])
      return renderer.render()
    }
    const requests = [request('server-a'), request('server-b')]
    const { checks } = await lookAhead(
      requests,
      { minutes: 70 },
      { ...rest, renderer: { ...renderer, render } },
    )
    expect(checks).toContainEqual({
      what: 'template of server-a',
      status: 'failed',
      detail: 'my.yaml: no setup',
      hint: 'Give one',
    })
    expect(checks.find(({ what }) => what === 'offer for server-b')?.status).toBe('ok')
  })

  it('names the nearest accelerators that there are, as SkyPilot does', async () => {
    const stdout =
      "No resource satisfying AWS({'A100-80': 1}) on AWS.\nDid you mean: ['A100-80GB:8', 'A100:8']\n"
    const dryrun = {
      exitCode: 1,
      stdout,
      stderr: 'AWS does not contain any instances satisfying the request.\n',
    }
    await expect(preflight([request('server-a')], { minutes: 70 }, deps({ dryrun }))).rejects.toMatchObject({
      problems: [{ allowed: expect.stringContaining('The nearest that there are: A100-80GB:8, A100:8. ') }],
    })
  })

  it('asks nothing of this machine when the API server is shared', async () => {
    denied = true
    const { checks } = await preflight(
      [request('server-a')],
      { minutes: 70 },
      { ...deps(), sharedServer: true },
    )
    expect(checks[0]).toMatchObject({ what: 'credentials', status: 'unknown' })
  })
})

describe('how long credentials of AWS last', () => {
  it.each([
    [{ AWS_ROLE_ARN: 'r', AWS_WEB_IDENTITY_TOKEN_FILE: 'f' }, true, 'lasting'],
    [{ AWS_ACCESS_KEY_ID: 'k' }, false, 'lasting'],
    [{ AWS_ACCESS_KEY_ID: 'k', AWS_SESSION_TOKEN: 't' }, true, 'unknown'],
    [{ AWS_SESSION_TOKEN: 't', AWS_CREDENTIAL_EXPIRATION: '2026-01-01T00:00:00Z' }, true, 'until'],
    [{ AWS_PROFILE: 'sso' }, true, 'unknown'],
    [{}, false, 'lasting'],
  ])('%j, session %s: %s', (env, session, kind) => expect(awsValidity(env, { session }).kind).toBe(kind))

  it('is held against the end of the run', () => {
    const at = (ms: number) => validityCheck('x', 'me', { kind: 'until', at: ms }, 1000).status
    expect([at(999), at(1000)]).toEqual(['failed', 'ok'])
  })
})

describe('quotas', () => {
  it.each([
    ['g6.12xlarge', true, 'L-3819A6DF'],
    ['g6e.xlarge', false, 'L-DB2E81BA'],
    ['p5.48xlarge', false, 'L-417A185B'],
    ['p4de.24xlarge', true, 'L-7212CCBC'],
    ['m6i.large', false, 'L-1216C47A'],
    ['c7i.large', true, 'L-34B43A08'],
  ])('%s, spot %s: %s', (instance, spot, code) =>
    expect(quotasNeeded([{ region: 'r', instance, vcpus: 2, spot }])).toMatchObject([{ code, vcpus: 2 }]),
  )

  it('lose no vCPU in summing', () => {
    const need = fc.record({
      region: fc.constantFrom('us-east-1', 'eu-west-1'),
      instance: fc.constantFrom('g6.xlarge', 'p5.48xlarge', 'm6i.large'),
      vcpus: fc.integer({ min: 1, max: 192 }),
      spot: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(need), needs => {
        const sum = (list: readonly { vcpus: number }[]) => list.reduce((all, { vcpus }) => all + vcpus, 0)
        expect(sum(quotasNeeded(needs))).toBe(sum(needs))
      }),
    )
  })

  it('of Google are named by the GPU', () => {
    expect(gpuMetric({ region: 'r', accelerator: 'A100-80GB', count: 1, spot: true })).toBe(
      'PREEMPTIBLE_NVIDIA_A100_80GB_GPUS',
    )
    expect(quotaCheck('q', { limit: 8, usage: 6 }, 4).status).toBe('failed')
    expect(quotaCheck('q', { limit: 8, usage: 4 }, 4).status).toBe('ok')
    expect(quotaCheck('q', undefined, 4).status).toBe('unknown')
  })
})

describe('the budget', () => {
  it('is kept exactly when every price is known and their sum is not above it', () => {
    const cents = fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 8 })
    fc.assert(
      fc.property(cents, fc.integer({ min: 0, max: 20_000 }), fc.boolean(), (prices, limit, hidden) => {
        const offers = prices.map(
          (price, n): Offer => ({ vm: `vm-${n}`, hourly: price / 100, spot: false, what: '' }),
        )
        const names = [...offers.map(({ vm }) => ({ name: vm })), ...(hidden ? [{ name: 'dark' }] : [])]
        const fits = !hidden && prices.reduce((a, b) => a + b, 0) <= limit
        expect(budgetProblems(names, offers, limit / 100).length === 0).toBe(fits)
        expect(budgetProblems(names, offers, undefined)).toEqual([])
      }),
    )
  })

  it('is estimated over the run', () => {
    const offers: Offer[] = [{ vm: 'a', hourly: 2, spot: false, what: '' }]
    expect(estimate(['a', 'b'], offers, 90)).toEqual({ hourly: 2, total: 3, unknown: ['b'] })
  })
})

interface Replies {
  readonly check?: string
  readonly dryrun?: SkyReply
}

function deps({ check = '{"default": {"AWS": ["compute", "storage"]}}', dryrun }: Replies = {}) {
  const { port } = server.address() as AddressInfo
  const said = dryrun ?? { exitCode: 0, stdout: TABLE(AWS_ROW), stderr: '' }
  return {
    cli: {
      run: async ([command]: readonly string[]) =>
        command === 'check' ? { exitCode: 0, stdout: check, stderr: '' } : said,
      ready: async () => {},
      endAll: async () => {},
    },
    renderer: {
      render: async () => ({ yaml: 'run: "true"\n', secrets: {} }),
      bind: () => Promise.reject(new Error('not asked for')),
    },
    clock: systemClock,
    env: {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    },
    sharedServer: false,
  }
}

function request(name: string): LaunchRequest {
  return {
    name,
    template: '/none.yaml',
    envs: {},
    secrets: {},
    leaseMinutes: 10,
    labels: {},
    resources: { infra: ['aws'], accelerators: ['L4:4'] },
    reuse: false,
  }
}
