import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sightOf } from '../../../src/fleet/sky/down.ts'
import { readEndpoint } from '../../../src/fleet/sky/endpoint.ts'
import { isArmed } from '../../../src/fleet/sky/lease.ts'
import { maskWith } from '../../../src/fleet/sky/mask.ts'
import { costReportSchema, requestsSchema, statusSchema } from '../../../src/fleet/sky/output.ts'
import { priceOf } from '../../../src/fleet/sky/prices.ts'
import { contentHash } from '../../../src/fleet/sky/reuse.ts'

const unreadable = { ok: false, kind: 'unreadable', reason: 'garbage' } as const
const vms = (...list: object[]) => ({ ok: true, value: statusSchema.parse(list) }) as const
const requests = (...list: object[]) => ({ ok: true, value: requestsSchema.parse(list) }) as const
const launching = { request_id: 'r', name: 'sky.launch', status: 'PENDING', cluster_name: 'a' }

describe('whether a VM is gone', () => {
  it.each([
    ['gone', vms(), requests()],
    ['there', vms({ name: 'a', status: 'UP' }), requests()],
    ['gone', vms({ name: 'b', status: 'UP' }), requests()],
    ['there', unreadable, requests()],
    ['there', vms(), requests(launching)],
    ['gone', vms(), requests({ ...launching, status: 'CANCELLED' })],
    ['gone', vms(), requests({ ...launching, cluster_name: 'b' }, { ...launching, name: 'sky.down' })],
    ['absent', vms(), unreadable],
  ] as const)('%s', (state, status, asked) => {
    expect(sightOf('a', status, asked).state).toBe(state)
  })
})

describe('where a port is', () => {
  it.each([
    ['1.2.3.4:8000\n', { host: '1.2.3.4', port: 8000 }],
    ['\u001b[33mWait\u001b[0m\nhttp://host.example:30080\n', { host: 'host.example', port: 30080 }],
    ['nothing yet\n', null],
    ['', null],
  ])('%j', (stdout, endpoint) => {
    expect(readEndpoint(stdout)).toEqual(endpoint)
  })
})

describe('what a VM costs', () => {
  const note = {
    labels: {},
    launchedAt: 0,
    expiresAt: null,
    spot: true,
    jobId: 1,
    offer: { infra: 'AWS (us-east-1)', instance: 'g6.12xlarge', accelerators: 'L4:4', hourly: 1.8 },
  }
  const cost = (more: object) =>
    costReportSchema.parse([{ name: 'a', cloud: 'AWS', region: 'us-east-1', ...more }])[0] ?? null

  it('is what the report says of its time', () => {
    const price = priceOf(
      cost({ duration: 1800, total_cost: 1, resources: { instance_type: 'g6.12xlarge' } }),
      note,
    )
    expect(price).toEqual({ hourly: 2, spot: true, what: 'AWS us-east-1 g6.12xlarge, L4:4' })
  })

  it('is what its launch said as long as the report says nothing', () => {
    expect(priceOf(cost({ duration: 2, total_cost: 0 }), note)?.hourly).toBe(1.8)
    expect(priceOf(null, note)).toEqual({
      hourly: 1.8,
      spot: true,
      what: 'AWS (us-east-1) g6.12xlarge, L4:4',
    })
    expect(priceOf(null, null)).toBeNull()
  })

  it('is nothing on Slurm', () => {
    const url = new URL('../../fixtures/sky/cost_report_entry.json', import.meta.url)
    const entry = costReportSchema.parse([JSON.parse(readFileSync(url, 'utf8'))])[0] ?? null
    expect(priceOf(entry, null)).toEqual({ hourly: 0, spot: false, what: 'Slurm lab 1CPU--1GB' })
  })
})

describe('small decisions', () => {
  it('a lease is in force when SkyPilot would end the VM', () => {
    const armed = (more: object) => statusSchema.parse([{ name: 'a', status: 'UP', ...more }]).map(isArmed)
    expect(armed({ autostop: 10, to_down: true })).toEqual([true])
    expect(armed({ autostop: 10, to_down: false })).toEqual([false])
    expect(armed({ autostop: -1, to_down: true })).toEqual([false])
    expect(armed({})).toEqual([false])
  })

  it('the same content is the same, whoever owns the VM and for how long', () => {
    const hash = (yaml: object, secrets: Record<string, string> = {}) =>
      contentHash({ yaml: JSON.stringify(yaml), secrets })
    const task = { run: 'x', resources: { labels: { run: '1' }, autostop: 5 } }
    expect(hash(task)).toBe(hash({ run: 'x', resources: { labels: { run: '2' }, autostop: 9 } }))
    expect(hash(task)).not.toBe(hash({ ...task, run: 'y' }))
    expect(hash(task, { KEY: 'a' })).not.toBe(hash(task, { KEY: 'b' }))
  })

  it('secrets are masked whole, by their lines, and the longest first', () => {
    const mask = maskWith(['abc', 'abcdef', 'one\ntwo', '', ' '])
    expect(mask('abcdef abc two one')).toBe('*** *** *** ***')
    expect(mask('nothing here')).toBe('nothing here')
  })
})
