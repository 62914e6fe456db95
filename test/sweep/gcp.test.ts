import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createGcpSource } from '../../src/sweep/gcp.ts'
import { countOutcomes, sweep } from '../../src/sweep/sweep.ts'
import { type GcpServer, type GcpThing, startGcp } from './support/gcp-server.ts'
import { HERE, labelsOf, runsOf, serveRuns, THEIRS } from './support/world.ts'

const zones = ['us-central1-a', 'us-central1-b', 'europe-west4-a'] as const

function instance(n: number, labels: GcpThing['labels'], name = `vm-${n}`): GcpThing {
  return { kind: 'instances', zone: zones[n % zones.length] ?? '', name, labels }
}

async function sweepGcp(gcp: GcpServer, { dryRun = false } = {}) {
  await using github = await serveRuns()
  const endpoint = gcp.url
  const token = async () => 'token'
  return await sweep({
    sources: [createGcpSource({ project: 'my-project', repository: HERE, endpoint, token, retryMs: 1 })],
    runs: runsOf(github),
    repository: HERE,
    dryRun,
    clock: systemClock,
    signal: AbortSignal.timeout(60_000),
  })
}

describe('a sweep of Compute Engine', () => {
  it('finds 40 of 10,000 instances, ends them and nothing else', async () => {
    const ours = (n: number) => n % 250 === 3
    const things = Array.from({ length: 10_000 }, (_, n) =>
      instance(n, ours(n) ? labelsOf() : (THEIRS[n % THEIRS.length] ?? {})),
    )
    await using gcp = await startGcp({ things })
    const report = await sweepGcp(gcp)
    expect(countOutcomes(report)).toMatchObject({ ended: 40, failed: 0 })
    expect(report.problems).toEqual([])
    const survivors = things.filter((_, n) => !ours(n)).map(({ name }) => name)
    expect([...gcp.things.values()].map(({ name }) => name)).toEqual(survivors)
    // Those of a live run and those that are kept are many: they come in pages.
    expect(gcp.requests.filter(line => line === 'GET /aggregated/instances').length).toBeGreaterThan(6)
  })

  it('ends disks that no VM uses, and only shows it in a dry run', async () => {
    const disk = { kind: 'disks', zone: zones[0], labels: labelsOf() } as const
    await using gcp = await startGcp({
      things: [instance(0, labelsOf()), { ...disk, name: 'left' }, { ...disk, name: 'used', users: ['vm'] }],
    })
    const dry = await sweepGcp(gcp, { dryRun: true })
    expect(dry.rows.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['vm-0', 'would-end'],
      ['left', 'would-end'],
    ])
    expect(gcp.requests.some(line => line.startsWith('DELETE'))).toBe(false)
    expect(countOutcomes(await sweepGcp(gcp))).toEqual({ ended: 2, left: 0, failed: 0 })
    expect([...gcp.things.values()].map(({ name }) => name)).toEqual(['used'])
  })

  it('ends regional disks, too, which are in no zone', async () => {
    const disk = { kind: 'disks', zone: 'us-central1' } as const
    await using gcp = await startGcp({
      things: [
        { ...disk, name: 'left', labels: labelsOf() },
        { ...disk, name: 'used', labels: labelsOf(), users: ['vm'] },
        { ...disk, name: 'theirs', labels: labelsOf({ repository: 'acme/other' }) },
      ],
    })
    const report = await sweepGcp(gcp)
    expect(report.rows.find(({ name }) => name === 'left')).toMatchObject({
      id: '/regions/us-central1/disks/left',
      place: 'us-central1',
      outcome: 'ended',
    })
    expect([...gcp.things.values()].map(({ name }) => name)).toEqual(['used', 'theirs'])
  })

  it('tries again when its rate is limited or the server fails', async () => {
    await using gcp = await startGcp({
      things: [instance(0, labelsOf())],
      refusals: {
        GET: [
          { status: 403, reason: 'rateLimitExceeded' },
          { status: 503, reason: 'backendError' },
        ],
        DELETE: [{ status: 429, reason: 'tooMany' }],
        POST: [{ status: 500, reason: 'internal' }],
      },
    })
    expect(countOutcomes(await sweepGcp(gcp))).toMatchObject({ ended: 1, failed: 0 })
  })

  it('says what it may not see or end, and ends the rest', async () => {
    await using gcp = await startGcp({
      things: [instance(0, labelsOf(), 'guarded'), instance(1, labelsOf(), 'plain')],
      protectedNames: ['guarded'],
    })
    const report = await sweepGcp(gcp)
    expect(report.rows.find(({ name }) => name === 'plain')?.outcome).toBe('ended')
    const guarded = { outcome: 'failed', reason: 'it is protected against deletion' }
    expect(report.rows.find(({ name }) => name === 'guarded')).toMatchObject(guarded)
  })

  it('reports a zone that does not answer, and a refusal that no retry mends', async () => {
    await using partly = await startGcp({ things: [instance(0, labelsOf())], silentZone: 'asia-east1-a' })
    const report = await sweepGcp(partly, { dryRun: true })
    expect(report.problems).toContain('gcp zones/asia-east1-a: does not answer')
    expect(report.rows).toHaveLength(1)
    const refusals = Array.from({ length: 2 }, () => ({ status: 403, reason: 'forbidden' }))
    await using refused = await startGcp({ things: [], refusals: { GET: refusals } })
    expect((await sweepGcp(refused)).problems.join()).toContain('Compute Engine said 403: refused')
    expect(refused.requests).toHaveLength(2)
  })
})
