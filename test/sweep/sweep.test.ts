import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { InputError } from '../../src/errors.ts'
import type { SkyCli } from '../../src/fleet/sky/types.ts'
import { assertSwept } from '../../src/sweep/action.ts'
import type { SweepSource } from '../../src/sweep/found.ts'
import { createNodeSource } from '../../src/sweep/nodes.ts'
import { parseSweepOptions } from '../../src/sweep/options.ts'
import { createSkySource } from '../../src/sweep/sky.ts'
import { countOutcomes, sweep } from '../../src/sweep/sweep.ts'
import { markdownTable, terminalTable } from '../../src/sweep/table.ts'
import { HERE, labelsOf, runsOf, serveJson, serveRuns, THEIRS } from './support/world.ts'

async function sweepIn(...sources: SweepSource[]) {
  await using github = await serveRuns()
  const signal = AbortSignal.timeout(60_000)
  const shared = { repository: HERE, dryRun: false, clock: systemClock, signal }
  return await sweep({ ...shared, sources, runs: runsOf(github) })
}

/** A SkyPilot API server that many share, behind its command. `stubborn`: `sky down` says 0 and does nothing. */
function skyOf(vms: Map<string, Record<string, string>>, stubborn: readonly string[] = []): SkyCli {
  return {
    run: async ([command, ...args]) => {
      if (command === 'down') {
        const name = args.at(-1) ?? ''
        if (stubborn.includes(name)) return { exitCode: 1, stdout: '', stderr: 'not permitted' }
        vms.delete(name)
        return { exitCode: 0, stdout: '', stderr: '' }
      }
      const names = args.filter(arg => vms.has(arg))
      const shown = args.includes('-u') ? [...vms.keys()] : names
      const list = shown.map(name => ({ name, status: 'UP', labels: vms.get(name) }))
      const noise = shown.length === 0 ? 'Cluster(s) not found: a, b.\n' : ''
      return { exitCode: 0, stdout: `${noise}${JSON.stringify(list)}\n`, stderr: '' }
    },
    ready: async () => {},
    endAll: async () => {},
  }
}

describe('a sweep', () => {
  it('ends what a shared API server shows as ours, and believes only its status', async () => {
    const theirs = THEIRS.map((labels, n) => [`theirs-${n}`, labels] as const)
    const vms = new Map([['ours', labelsOf()], ['stubborn', labelsOf()], ...theirs])
    const report = await sweepIn(createSkySource(skyOf(vms, ['stubborn'])))
    expect([...vms.keys()]).toEqual(['stubborn', ...theirs.map(([name]) => name)])
    expect(countOutcomes(report)).toEqual({ ended: 1, failed: 1, left: 2 })
    const failed = report.rows.find(({ outcome }) => outcome === 'failed')
    expect(failed).toMatchObject({ name: 'stubborn', reason: 'sky down -y stubborn failed: not permitted' })
    expect(() => assertSwept(report)).toThrow('1 that should have been ended may still be there')
  })

  it('goes on in the other sources when one fails, and fails in the end', async () => {
    const broken: SweepSource = {
      name: 'aws',
      find: () => Promise.reject(new Error('no credentials')),
      end: () => Promise.reject(new Error('unreached')),
      remaining: () => Promise.reject(new Error('unreached')),
    }
    const report = await sweepIn(broken, createSkySource(skyOf(new Map([['ours', labelsOf()]]))))
    expect(countOutcomes(report).ended).toBe(1)
    expect(report.problems).toEqual(['aws: no credentials'])
    expect(() => assertSwept(report)).toThrow('aws: no credentials')
  })

  it('is shown as a table, in which a hostile name does no harm', async () => {
    const vms = new Map([['ours', labelsOf()]])
    const report = await sweepIn(createSkySource(skyOf(vms)))
    expect(terminalTable(report)).toBe(
      'OUTCOME  WHAT    NAME  WHERE  RUN  WHY\nended    sky vm  ours         8    its run is over\n1 ended · 0 left · 0 not ended\n',
    )
    const [row] = report.rows
    const hostile = row ? [{ ...row, name: '<img>|@you\n::error::\u001b[2J' }] : []
    expect(markdownTable({ ...report, rows: hostile })).toContain(
      '| &#60;img&#62;&#124;&#64;you ::error:: &#91;2J |',
    )
    expect(terminalTable({ ...report, rows: hostile })).not.toContain('\u001b')
  })
})

interface KubeNode {
  readonly labels: Record<string, string>
  ready: string
  version: number
}

/** The three calls of the Kubernetes API that the sweeper makes; `onRead` is what happens in between. */
function serveNodes(nodes: Map<string, KubeNode>, onRead: (name: string) => void = () => {}) {
  const show = (name: string, node: KubeNode) => ({
    metadata: { name, uid: `uid-${name}`, resourceVersion: String(node.version), labels: node.labels },
    status: { conditions: [{ type: 'Ready', status: node.ready }] },
  })
  return serveJson((request, url) => {
    const name = url.pathname.split('/')[4]
    if (name === undefined) {
      const all = [...nodes].filter(([, { labels }]) => 'lmrun-run' in labels)
      const from = Number(url.searchParams.get('continue') ?? 0)
      const more = from + 2 < all.length ? { continue: String(from + 2) } : {}
      const items = all.slice(from, from + 2).map(([name, node]) => show(name, node))
      return { status: 200, body: { kind: 'NodeList', metadata: more, items } }
    }
    const node = nodes.get(name)
    if (!node) return { status: 404, body: { kind: 'Status', code: 404 } }
    if (request.method === 'DELETE') {
      nodes.delete(name)
      return { status: 200, body: { kind: 'Status', status: 'Success' } }
    }
    onRead(name)
    return { status: 200, body: show(name, node) }
  })
}

function kubeconfig(server: string): string {
  const named = (name: string, value: object) => [{ name: 'k', [name]: value }]
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'k',
    clusters: named('cluster', { server, 'insecure-skip-tls-verify': true }),
    users: named('user', {}),
    contexts: named('context', { cluster: 'k', user: 'k' }),
  })
}

describe('a sweep of mesh Nodes', () => {
  it('deletes those of dead runs that are not ready, in all pages, and never a ready one', async () => {
    const node = (ready: string, labels = labelsOf()): KubeNode => ({ labels, ready, version: 1 })
    const nodes = new Map([
      ['dead', node('Unknown')],
      ['ready', node('True')],
      ['returning', node('False')],
      ['dead-too', node('False')],
      ...THEIRS.map((labels, n) => [`theirs-${n}`, node('Unknown', labels)] as const),
    ])
    await using api = await serveNodes(nodes, name => {
      const back = nodes.get(name)
      if (name === 'returning' && back) back.ready = 'True'
    })
    const report = await sweepIn(createNodeSource(kubeconfig(api.url)))
    expect(report.problems).toEqual([])
    expect([...nodes.keys()]).toEqual(['ready', 'returning', ...THEIRS.map((_, n) => `theirs-${n}`)])
    expect(report.rows.find(({ name }) => name === 'returning')?.reason).toBe('the Node has become ready')
  })
})

describe('options of a sweep', () => {
  const label = (name: string) => `input ${name}`

  it('are read as written', () => {
    const raw = { sources: 'aws, gcp aws', 'aws-regions': 'us-east-1', 'gcp-project': '', 'dry-run': 'true' }
    expect(parseSweepOptions(raw, label)).toEqual({
      sources: ['aws', 'gcp'],
      awsRegions: ['us-east-1'],
      dryRun: true,
    })
  })

  it('are refused by name, all at once', () => {
    const raw = { sources: 'azure', 'aws-regions': 'mars', 'gcp-project': 'X', 'dry-run': 'maybe' }
    const refuse = () => parseSweepOptions(raw, label)
    expect(refuse).toThrow(InputError)
    for (const name of Object.keys(raw)) expect(refuse).toThrow(`input ${name}: `)
    expect(() => parseSweepOptions({}, label)).toThrow('input sources: nowhere to look')
  })
})
