import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readOffers } from '../../../src/fleet/sky/offers.ts'
import {
  costReportSchema,
  queueSchema,
  readJobId,
  readJson,
  statusSchema,
} from '../../../src/fleet/sky/output.ts'

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/sky/${name}`, import.meta.url), 'utf8')
const reply = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })

describe('JSON of sky', () => {
  it('reads a status', () => {
    const read = readJson(statusSchema, reply(fixture('status_full.json')))
    expect(read).toMatchObject({
      ok: true,
      value: [{ name: 'q1b', status: 'UP', autostop: 1, to_down: true, labels: {} }],
    })
  })

  it.each([
    ['queue_fx_mixed.raw.txt', { fx: [{ job_id: 3 }, { job_id: 2 }, { job_id: 1, status: 'CANCELLED' }] }],
    ['queue_missing_cluster.stdout.txt', {}],
  ])('reads the queue behind the lines before it: %s', (name, value) => {
    expect(readJson(queueSchema, reply(fixture(name)))).toMatchObject({ ok: true, value })
  })

  it('reads "not found" as no VM', () => {
    expect(readJson(statusSchema, reply(fixture('status_missing.stdout.txt')))).toEqual({
      ok: true,
      value: [],
    })
  })

  it('reads a cost report', () => {
    const read = readJson(costReportSchema, reply(fixture('cost_report.stdout.txt')))
    expect(read.ok && read.value.map(({ name }) => name).slice(0, 3)).toEqual(['q1b', 'fx', 'fx'])
  })

  it('reads what is followed by a hint, or on one line', () => {
    expect(readJson(statusSchema, reply('[\n]\n* a hint\n'))).toEqual({ ok: true, value: [] })
    expect(readJson(statusSchema, reply('\u001b[33mWait\u001b[0m\n[]\na hint'))).toEqual({
      ok: true,
      value: [],
    })
  })

  it.each([
    ['nothing', ''],
    ['text', 'Traceback (most recent call last):\n  boom'],
    ['half of it', fixture('status_full.json').slice(0, 200)],
    ['another form', '{"name": 1}'],
  ])('says that it cannot read %s', (_, stdout) => {
    expect(readJson(statusSchema, reply(stdout))).toMatchObject({ ok: false, kind: 'unreadable' })
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'[]{}",:\n a1\u001b') }), stdout => {
        readJson(statusSchema, reply(stdout))
        readOffers(stdout)
      }),
    )
  })
})

describe('output of a launch', () => {
  it('gives the number of the job', () => {
    expect(readJobId(fixture('launch_ok_detached.stdout.txt'))).toBe(1)
    expect(readJobId(fixture('launch_infeasible.stdout.txt'))).toBeNull()
  })

  it('gives the offers', () => {
    expect(readOffers(fixture('launch_ok_detached.stdout.txt'))).toMatchObject([
      {
        infra: 'Slurm (lab)',
        instance: '-',
        accelerators: '-',
        vcpus: 1,
        hourly: 0,
        spot: false,
        chosen: true,
      },
    ])
    const table = [
      'Considered resources (1 node):',
      '-------------------------------------------------------------------------------------------',
      ' INFRA                     INSTANCE      vCPUs   Mem(GB)   GPUS     COST ($)   CHOSEN   ',
      '-------------------------------------------------------------------------------------------',
      ' AWS (us-east-1)           g6.12xlarge[Spot]   48      192       L4:4     1.81       \u001b[32m   ✔\u001b[0m     ',
      ' GCP (us-central1-a)       g2-standard-48   48     192       L4:4     4.00                ',
      '-------------------------------------------------------------------------------------------',
    ].join('\n')
    expect(readOffers(table)).toMatchObject([
      { instance: 'g6.12xlarge', accelerators: 'L4:4', hourly: 1.81, spot: true, chosen: true },
      { infra: 'GCP (us-central1-a)', hourly: 4, spot: false, chosen: false },
    ])
  })
})
