import { describe, expect, it } from 'vitest'
import { statusMermaid, statusTable } from '../../src/cli/mesh-status-view.ts'
import { type MeshObjects, meshStatus } from '../../src/mesh/status.ts'

const now = Date.UTC(2026, 0, 1, 12)
const ago = (seconds: number) => new Date(now - seconds * 1000)

function node(name: string, labels: Record<string, string>, rest: object = {}) {
  return {
    metadata: { name, creationTimestamp: ago(600), labels },
    spec: { podCIDR: '10.42.1.0/24' },
    status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [] },
    ...rest,
  }
}

const slice = (service: string, nodeName: string, ready: boolean) => ({
  metadata: { labels: { 'kubernetes.io/service-name': service, 'lmrun-vm': service } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.42.1.0'], nodeName, conditions: { ready } }],
})

const objects: MeshObjects = {
  main: {
    mesh: 'ours',
    privateIp: '10.64.0.5',
    publicIp: '192.0.2.7',
    port: 6443,
    cloud: 'aws',
    region: 'us-east-1',
  },
  nodes: [
    node(
      'qwen-4f7k2.0.x8d3a',
      {
        'lmrun-mesh-role': 'vm',
        'lmrun-run': '4711',
        'lmrun-cloud': 'lambda',
        'topology.kubernetes.io/region': 'us-west-1',
      },
      {
        status: {
          conditions: [{ type: 'Ready', status: 'Unknown' }],
          addresses: [
            { type: 'InternalIP', address: '10.0.0.9' },
            { type: 'ExternalIP', address: '198.51.100.4' },
          ],
        },
      },
    ),
    node('qwen-4f7k2.1.x8d3a', { 'lmrun-mesh-role': 'vm' }, { spec: {}, status: {} }),
    node('ours.0.aaaaa', { 'lmrun-mesh-role': 'main' }),
  ],
  services: [
    {
      metadata: { name: 'qwen-4f7k2', creationTimestamp: ago(90) },
      spec: { clusterIP: '10.43.7.7', ports: [{ port: 8000 }] },
    },
    { metadata: { name: 'lost', creationTimestamp: ago(5) }, spec: { clusterIP: 'None', ports: [] } },
  ],
  slices: [
    slice('qwen-4f7k2', 'qwen-4f7k2.0.x8d3a', true),
    slice('qwen-4f7k2', 'qwen-4f7k2.1.x8d3a', false),
    slice('other', 'ours.0.aaaaa', true),
  ],
  beats: [
    { metadata: { name: 'qwen-4f7k2.0.x8d3a' }, data: { beat: ago(4).toISOString() } },
    { metadata: { name: 'qwen-4f7k2.1.x8d3a' }, data: { beat: 'nonsense' } },
  ],
}

const status = meshStatus(objects, now)

describe('the status of a mesh', () => {
  it('has main first, and of each node its place, addresses, state and beat', () => {
    expect(status.nodes.map(({ name }) => name)).toEqual([
      'ours.0.aaaaa',
      'qwen-4f7k2.0.x8d3a',
      'qwen-4f7k2.1.x8d3a',
    ])
    // Main's place is what it tells of itself.
    expect(status.nodes[0]).toMatchObject({ role: 'main', cloud: 'aws', region: 'us-east-1', run: null })
    expect(status.nodes[1]).toEqual({
      name: 'qwen-4f7k2.0.x8d3a',
      vm: 'qwen-4f7k2',
      role: 'vm',
      cloud: 'lambda',
      region: 'us-west-1',
      address: '10.42.1.0',
      outside: '198.51.100.4',
      kubelet: 'silent',
      age: 600_000,
      beatAge: 4000,
      run: '4711',
    })
    expect(status.nodes[2]).toMatchObject({ address: null, outside: null, kubelet: null, beatAge: null })
  })

  it('has of each service where it is ready', () => {
    expect(status.services).toEqual([
      {
        name: 'lost',
        host: 'lost.default.svc.cluster.local',
        clusterIp: null,
        ports: [],
        nodes: [],
        ready: [],
        age: 5000,
      },
      {
        name: 'qwen-4f7k2',
        host: 'qwen-4f7k2.default.svc.cluster.local',
        clusterIp: '10.43.7.7',
        ports: [8000],
        nodes: ['qwen-4f7k2.0.x8d3a', 'qwen-4f7k2.1.x8d3a'],
        ready: ['qwen-4f7k2.0.x8d3a'],
        age: 90_000,
      },
    ])
  })

  it('is nothing younger than now, whatever other clocks say', () => {
    const early = meshStatus(objects, now - 3_600_000)
    expect([early.nodes[0]?.age, early.nodes[1]?.beatAge, early.services[0]?.age]).toEqual([0, 0, 0])
  })

  it('is shown as a table', () => {
    expect(statusTable(status)).toMatchInlineSnapshot(`
      "Mesh ours: aws us-east-1, 192.0.2.7:6443

      NODE                 STATE    PLACE             IN THE MESH  OUTSIDE       AGE     LAST BEAT  RUN
      ours.0.aaaaa (main)  ready    aws us-east-1     10.42.1.0    —             10 min  —          —
      qwen-4f7k2.0.x8d3a   silent   lambda us-west-1  10.42.1.0    198.51.100.4  10 min  4 s ago    4711
      qwen-4f7k2.1.x8d3a   joining  —                 —            —             10 min  —          —

      SERVICE                                           READY   ADDRESS    AGE
      lost.default.svc.cluster.local                    0 of 0  headless   5 s
      http://qwen-4f7k2.default.svc.cluster.local:8000  1 of 2  10.43.7.7  1 min 30 s
      "
    `)
    expect(statusTable({ ...status, services: [] })).toMatch(/\nNo VM publishes a service\.\n$/)
  })

  it('is shown as a picture', () => {
    expect(statusMermaid(status)).toMatchInlineSnapshot(`
      "flowchart LR
        subgraph p0 ["aws us-east-1"]
          n0(["ours.0.aaaaa<br/>10.42.1.0<br/>ready · 10 min"])
        end
        subgraph p1 ["lambda us-west-1"]
          n1["qwen-4f7k2.0.x8d3a<br/>10.42.1.0<br/>198.51.100.4<br/>silent · 10 min"]
        end
        subgraph p2 ["somewhere"]
          n2["qwen-4f7k2.1.x8d3a<br/>joining · 10 min"]
        end
        s0{{"lost"}}
        s1{{"qwen-4f7k2<br/>8000"}}
        s1 --> n1
        s1 -.-> n2
      "
    `)
  })

  it('takes nothing that a mesh says of itself for a sign of its own', () => {
    const hostile = { ...status.main, mesh: 'a\nb\u202e', region: '"]; click' }
    const text = statusTable({ ...status, main: hostile })
    expect(text.split('\n')[0]).toBe('Mesh a b\\u{202e}: aws "]; click, 192.0.2.7:6443')
    const nodes = status.nodes.map(one => ({ ...one, region: '"]; click' }))
    expect(statusMermaid({ ...status, nodes }).split('\n')[1]).not.toMatch(/"\]; /)
  })
})
