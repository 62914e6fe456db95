/** What a VM may do in the mesh, and what not, judged by a real API server. */
import type { V1ConfigMap, V1EndpointSlice, V1Node } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { BINDINGS, MESH, readNodeName } from '../../../src/mesh-names.ts'
import { BEAT_RULES } from '../../../src/node/guard/beats.ts'
import { applyTo } from '../../../src/node/guard/guard.ts'
import { FLANNEL_RULES, NODE_RULES } from '../../../src/node/guard/nodes.ts'
import { SLICE_CONTENT, SLICE_IDENTITY } from '../../../src/node/guard/slices.ts'
import type { KubeClient } from '../../../src/node/kube/client.ts'
import { PATH } from '../../../src/node/kube/paths.ts'
import { beatOf } from '../../../src/node/publish/beat.ts'
import { sliceOf } from '../../../src/node/publish/slice.ts'
import { type MeshLab, startMeshLab } from '../../support/mesh-lab/lab.ts'
import { adminOf, FLANNEL, found, joinVm, KUBELET, speakAs } from '../../support/mesh-nodes.ts'

const ALPHA = 'alpha.0.aaaaa'
const BETA = 'beta.0.bbbbb'
const ended = new AbortController()
let lab: MeshLab
let admin: KubeClient
let alpha: KubeClient
let beta: KubeClient
let slice: V1EndpointSlice
let beat: V1ConfigMap
let betaAddress: string

beforeAll(async () => {
  lab = await startMeshLab({ vms: ['alpha', 'beta'] })
  admin = await adminOf(lab, ended.signal)
  await applyTo(admin)
  await applyTo(admin) // a second time changes nothing
  const own = await joinVm(lab, 'alpha', ALPHA, { 'lmrun-run': '42' })
  const other = await joinVm(lab, 'beta', BETA)
  betaAddress = other.address
  alpha = await speakAs(lab, 'alpha', KUBELET, ended.signal)
  beta = await speakAs(lab, 'beta', KUBELET, ended.signal)
  await bind({ alpha: 'aaaaa', [ALPHA]: own.address, beta: 'bbbbb', [BETA]: other.address })
  slice = await ownSlice(ALPHA)
  beat = given(beatOf(await admin.get<V1Node>(PATH.node(ALPHA)), given(readNodeName(ALPHA)), 'now'))
  await eventually('admitted')
  await put(beta, await ownSlice(BETA))
})

afterAll(async () => {
  ended.abort()
  await lab?.stop()
})

/** As the binder would. */
async function bind(data: Readonly<Record<string, string | null>>): Promise<void> {
  await admin.merge(PATH.own(BINDINGS), { data })
}

async function ownSlice(name: string): Promise<V1EndpointSlice> {
  const node = await admin.get<V1Node>(PATH.node(name))
  const publish = { ports: [{ name: 'http', port: 8000 }], health: '/health', headless: false }
  return given(sliceOf({ node, name: given(readNodeName(name)), publish, ready: true }))
}

function given<T>(value: T | null): T {
  if (value === null) throw new Error('it should be there')
  return value
}

function put(as: KubeClient, object: V1EndpointSlice): Promise<unknown> {
  return as.apply(PATH.slice(object.metadata?.name), object, 'test')
}

function putBeat(as: KubeClient, object: V1ConfigMap): Promise<unknown> {
  return as.apply(PATH.own(object.metadata?.name), object, 'test')
}

/** `admitted`, or what the policy says. */
async function outcome(request: Promise<unknown>): Promise<string> {
  try {
    await request
    return 'admitted'
  } catch (error) {
    const { message } = error as Error
    return message.split('denied request: ')[1] ?? message
  }
}

/** Policies, and what they go by, are in force a moment after they were written. */
async function eventually(expected: string): Promise<void> {
  await vi.waitFor(async () => expect(await outcome(put(alpha, slice))).toContain(expected), 30_000)
}

/** A slice with something changed in its metadata, or its only endpoint. */
function withMetadata(change: object): V1EndpointSlice {
  return { ...slice, metadata: { ...slice.metadata, ...change } }
}
function withLabel(key: string, value: string): V1EndpointSlice {
  return withMetadata({ labels: { ...slice.metadata?.labels, [key]: value } })
}
function withOwner(change: object): V1EndpointSlice {
  const owners = slice.metadata?.ownerReferences ?? []
  return withMetadata({ ownerReferences: owners.map(owner => ({ ...owner, ...change })) })
}
function withEndpoint(change: object): V1EndpointSlice {
  return { ...slice, endpoints: (slice.endpoints ?? []).map(endpoint => ({ ...endpoint, ...change })) }
}

function messageOf(rules: readonly { readonly message: string }[], part: string): string {
  const messages = rules.map(({ message }) => message).filter(message => message.includes(part))
  expect(messages, part).toHaveLength(1)
  return messages[0] ?? ''
}

/** Each request is wrong in one way alone: without the rule that refuses it, it would be admitted. */
const SLICES: readonly (readonly [
  what: string,
  rule: string,
  slice: () => V1EndpointSlice | Promise<V1EndpointSlice>,
])[] = [
  ['a slice with a name of its own choice', 'its own name', () => withMetadata({ name: `${ALPHA}.more` })],
  ["another VM's service", 'only the service named', () => withLabel('kubernetes.io/service-name', 'beta')],
  [
    'no service',
    'only the service named',
    () => withMetadata({ labels: { ...slice.metadata?.labels, 'kubernetes.io/service-name': undefined } }),
  ],
  ["another VM's label", 'the label lmrun-vm', () => withLabel('lmrun-vm', 'beta')],
  [
    "the controller's label",
    'managed by',
    () => withLabel('endpointslice.kubernetes.io/managed-by', 'endpointslice-controller.k8s.io'),
  ],
  ["another node's endpoint", 'endpoints of its own', () => withEndpoint({ nodeName: BETA })],
  ["nobody's endpoint", 'endpoints of its own', () => withEndpoint({ nodeName: undefined })],
  ["another node's address", 'its own address', () => withEndpoint({ addresses: [betaAddress] })],
  ['an address outside of the mesh', 'its own address', () => withEndpoint({ addresses: ['203.0.113.7'] })],
  ['a name of its own in DNS', 'neither targetRef', () => withEndpoint({ hostname: 'www' })],
  [
    'a pod',
    'neither targetRef',
    () => withEndpoint({ targetRef: { kind: 'Pod', name: 'coredns', namespace: 'default' } }),
  ],
  ['all ports', 'ports must be given', () => ({ ...slice, ports: [] })],
  [
    'no word of ports',
    'ports must be given',
    () => {
      const { ports: _, ...rest } = slice
      return rest
    },
  ],
  ['any port', 'ports must be given', () => ({ ...slice, ports: [{ name: 'http', protocol: 'TCP' }] })],
  ['no owner', 'must be owned', () => withMetadata({ ownerReferences: [] })],
  ['a Pod as its owner', 'must be owned', () => withOwner({ kind: 'Pod' })],
  ['a Node of another API as its owner', 'must be owned', () => withOwner({ apiVersion: 'example.com/v1' })],
  [
    "another's owner",
    'must be owned',
    async () => withMetadata({ ownerReferences: (await ownSlice(BETA)).metadata?.ownerReferences }),
  ],
  [
    'two owners',
    'must be owned',
    async () =>
      withMetadata({
        ownerReferences: [
          ...(slice.metadata?.ownerReferences ?? []),
          ...((await ownSlice(BETA)).metadata?.ownerReferences ?? []),
        ],
      }),
  ],
]

interface Policies {
  readonly items: readonly {
    readonly status?: { readonly typeChecking?: { readonly expressionWarnings?: unknown } }
  }[]
}

test('the API server finds nothing to say against the expressions', async () => {
  const all = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'
  await vi.waitFor(async () => {
    const { items } = await admin.get<Policies>(all)
    expect(items.map(({ status }) => status?.typeChecking)).toEqual(Array(4).fill({}))
  }, 30_000)
})

describe('slices', () => {
  const rules = [...SLICE_IDENTITY, ...SLICE_CONTENT]

  test.for(SLICES)('%s: refused, new or changed', async ([, rule, change]) => {
    const wrong = await change()
    expect(await outcome(put(alpha, wrong))).toBe(messageOf(rules, rule))
    await alpha.remove(PATH.slice(ALPHA))
    expect(await outcome(put(alpha, wrong))).toBe(messageOf(rules, rule))
    expect(await outcome(put(alpha, slice))).toBe('admitted')
  })

  test('an IPv6 slice: refused', async () => {
    await alpha.remove(PATH.slice(ALPHA))
    const wrong = { ...slice, addressType: 'IPv6', endpoints: [] }
    expect(await outcome(put(alpha, wrong))).toBe(messageOf(rules, 'IPv4'))
    expect(await outcome(put(alpha, slice))).toBe('admitted')
  })

  test('a name that is bound to another launch, or not bound, is refused until it is', async () => {
    for (const launch of ['zzzzz', null]) {
      await bind({ alpha: launch })
      await eventually(messageOf(rules, 'not bound'))
    }
    await bind({ alpha: 'aaaaa' })
    await eventually('admitted')
  })

  test('a node that is none of a VM publishes nothing', async () => {
    await lab.addVm('plain')
    await joinVm(lab, 'plain', 'plain')
    const plain = await speakAs(lab, 'plain', KUBELET, ended.signal)
    const { uid } = (await admin.get<V1Node>(PATH.node('plain'))).metadata ?? {}
    const labels = { 'kubernetes.io/service-name': 'plain', 'lmrun-vm': 'plain' }
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'plain', uid }]
    const wrong = withMetadata({
      name: 'plain',
      labels: { ...slice.metadata?.labels, ...labels },
      ownerReferences,
    })
    expect(await outcome(put(plain, { ...wrong, endpoints: [] }))).toBe(messageOf(rules, 'not bound'))
  })

  test('a node without an address that main knows publishes nothing', async () => {
    const { address } = { address: slice.endpoints?.[0]?.addresses[0] ?? '' }
    await bind({ [ALPHA]: null })
    await eventually(messageOf(rules, 'its own address'))
    await bind({ [ALPHA]: address })
    await eventually('admitted')
  })

  test('without main there is nothing to be held to, so nothing is let through', async () => {
    const bindings = await admin.get<V1ConfigMap>(PATH.own(BINDINGS))
    await admin.remove(PATH.own(BINDINGS))
    await eventually('no params found')
    await applyTo(admin)
    await bind(bindings.data ?? {})
    await eventually('admitted')
  })

  test("another's slice, and a controller's, can be neither changed nor deleted", async () => {
    const foreign = withMetadata({ name: 'web-x7k2p', labels: {}, ownerReferences: [] })
    await put(admin, foreign)
    for (const name of [BETA, 'web-x7k2p']) {
      const refused = messageOf(rules, 'its own name')
      expect(await outcome(alpha.remove(PATH.slice(name)))).toBe(refused)
      expect(await outcome(put(alpha, withMetadata({ name })))).toBe(refused)
      expect(await outcome(alpha.merge(PATH.slice(name), { endpoints: [] }))).toBe(refused)
      expect(await found(admin.get(PATH.slice(name)))).not.toBeNull()
    }
    await admin.remove(PATH.slice('web-x7k2p'))
  })

  test('its own can be deleted, also when the name is bound to another', async () => {
    await bind({ alpha: 'zzzzz' })
    await eventually(messageOf(rules, 'not bound'))
    expect(await outcome(alpha.remove(PATH.slice(ALPHA)))).toBe('admitted')
    await bind({ alpha: 'aaaaa' })
    await eventually('admitted')
  })

  test('every rule has a case', () => {
    const cases = [...SLICES.map(([, rule]) => rule), 'not bound', 'IPv4'].map(rule => messageOf(rules, rule))
    expect(new Set(cases)).toEqual(new Set(rules.map(({ message }) => message)))
  })

  test('Services, and slices elsewhere, are not for nodes', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'alpha' },
      spec: { ports: [{ port: 1 }] },
    }
    expect(await outcome(alpha.apply(PATH.service('alpha'), service, 'test'))).toMatch(
      /cannot patch resource "services"/,
    )
    const elsewhere = PATH.slice(ALPHA).replace(`/${MESH.namespace}/`, '/kube-system/')
    const there = withMetadata({ namespace: 'kube-system' })
    expect(await outcome(alpha.apply(elsewhere, there, 'test'))).toMatch(
      /cannot patch resource "endpointslices"/,
    )
  })
})

const BEATS: readonly (readonly [what: string, rule: string, beat: () => V1ConfigMap])[] = [
  ["another's beat", 'its own name', () => ({ ...beat, metadata: { ...beat.metadata, name: BETA } })],
  ['the bindings', 'its own name', () => ({ ...beat, metadata: { ...beat.metadata, name: BINDINGS } })],
  [
    "another VM's label",
    'the label lmrun-vm',
    () => ({ ...beat, metadata: { ...beat.metadata, labels: { 'lmrun-vm': 'beta' } } }),
  ],
  ['much', 'one short beat', () => ({ ...beat, data: { beat: 'x'.repeat(65) } })],
  ['something else', 'one short beat', () => ({ ...beat, data: { ...beat.data, more: '1' } })],
  [
    'nothing',
    'one short beat',
    () => {
      const { data: _, ...rest } = beat
      return rest
    },
  ],
  ['bytes', 'one short beat', () => ({ ...beat, binaryData: { more: 'AAAA' } })],
  ['no owner', 'must be owned', () => ({ ...beat, metadata: { ...beat.metadata, ownerReferences: [] } })],
]

describe('beats', () => {
  test.for(BEATS)('%s: refused', async ([, rule, wrong]) => {
    expect(await outcome(putBeat(alpha, wrong()))).toBe(messageOf(BEAT_RULES, rule))
    expect(await outcome(putBeat(alpha, beat))).toBe('admitted')
  })

  test('every rule has a case', () => {
    const cases = BEATS.map(([, rule]) => messageOf(BEAT_RULES, rule))
    expect(new Set(cases)).toEqual(new Set(BEAT_RULES.map(({ message }) => message)))
  })

  test('nothing is read or deleted there', async () => {
    expect(await outcome(alpha.get(PATH.own(BINDINGS)))).toMatch(/no relationship found|can only read/)
    expect(await outcome(alpha.remove(PATH.own(ALPHA)))).toMatch(/cannot delete resource "configmaps"/)
  })
})

describe('Nodes', () => {
  const labels = (change: object) => alpha.merge(PATH.node(ALPHA), { metadata: { labels: change } })
  const status = (change: object) =>
    alpha.merge(`${PATH.node(ALPHA)}/status`, { metadata: { labels: change } })

  test.for([
    ['another VM', { 'lmrun-vm': 'beta' }, 'the label lmrun-vm'],
    ['another run', { 'lmrun-run': '43' }, 'stay'],
    ['no run', { 'lmrun-run': null }, 'stay'],
    ['one more', { 'lmrun-mesh-role': 'main' }, 'stay'],
  ] as const)('labels of %s: refused', async ([, change, rule]) => {
    expect(await outcome(labels(change))).toBe(messageOf(NODE_RULES, rule))
    expect(await outcome(status(change))).toBe(messageOf(NODE_RULES, rule))
    expect(await outcome(labels({ mine: '1' }))).toBe('admitted')
  })

  describe('new ones', () => {
    const fresh = (metadata: object, spec: object = {}) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: BETA, ...metadata },
      spec,
    })
    const create = (node: V1Node) => beta.apply(PATH.node(BETA), node, 'test')

    beforeAll(async () => {
      await admin.remove(PATH.node(BETA))
    })

    test("another VM's label is refused", async () => {
      const wrong = fresh({ labels: { 'lmrun-vm': 'alpha' } })
      expect(await outcome(create(wrong))).toBe(messageOf(NODE_RULES, 'the label lmrun-vm'))
    })

    test("another's pod network is refused, at once and later", async () => {
      const { podCIDR, podCIDRs } = (await admin.get<V1Node>(PATH.node(ALPHA))).spec ?? {}
      const rule = messageOf(NODE_RULES, 'pod network')
      expect(await outcome(create(fresh({}, { podCIDR, podCIDRs })))).toBe(rule)
      // As long as the control plane has not given it one.
      const controllers = (await lab.main.run('pgrep', ['-f', 'kubelab kube-controller-manager']))
        .trim()
        .split('\n')
      await lab.main.run('kill', ['-STOP', ...controllers])
      expect(await outcome(create(fresh({ labels: { 'lmrun-vm': 'beta' } })))).toBe('admitted')
      expect(await outcome(beta.merge(PATH.node(BETA), { spec: { podCIDR, podCIDRs } }))).toBe(rule)
      await lab.main.run('kill', ['-CONT', ...controllers])
      await vi.waitFor(async () => {
        const { spec } = await admin.get<V1Node>(PATH.node(BETA))
        expect(spec?.podCIDR).toMatch(/^10\.42\./)
      }, 30_000)
    })
  })
})

describe("flannel's identity, which all VMs share", () => {
  const status = (change: object) => flannel.merge(`${PATH.node(ALPHA)}/status`, change)
  let flannel: KubeClient

  beforeAll(async () => {
    flannel = await speakAs(lab, 'beta', FLANNEL, ended.signal)
    // As wide as it may be in a K3s to come.
    const name = 'flannel-patches-nodes'
    const rbac = 'rbac.authorization.k8s.io'
    const role = { kind: 'ClusterRole', name, apiGroup: rbac }
    const rules = [{ apiGroups: [''], resources: ['nodes'], verbs: ['patch'] }]
    const subjects = [{ kind: 'User', name: 'system:k3s-controller', apiGroup: rbac }]
    const at = `/apis/${rbac}/v1`
    const metadata = { name }
    const apiVersion = `${rbac}/v1`
    await admin.apply(
      `${at}/clusterroles/${name}`,
      { apiVersion, kind: 'ClusterRole', metadata, rules } as object,
      'test',
    )
    const binding = { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef: role, subjects }
    await admin.apply(`${at}/clusterrolebindings/${name}`, binding, 'test')
  })

  test.for([
    ['labels', { metadata: { labels: { 'lmrun-run': '43' } } }, 'labels', '/status'],
    ['spec', { spec: { unschedulable: true } }, 'the spec', ''],
    [
      'addresses',
      { status: { addresses: [{ type: 'InternalIP', address: '203.0.113.7' }] } },
      'addresses',
      '/status',
    ],
    [
      'its readiness',
      { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      'NetworkUnavailable',
      '/status',
    ],
  ] as const)('%s of a Node: refused', async ([, change, rule, where]) => {
    const refused = messageOf(FLANNEL_RULES, rule)
    expect(await outcome(flannel.merge(`${PATH.node(ALPHA)}${where}`, change))).toBe(refused)
  })

  test('what flannel is there for is admitted', async () => {
    expect(
      await outcome(
        status({ metadata: { annotations: { 'flannel.alpha.coreos.com/public-ip': '192.0.2.1' } } }),
      ),
    ).toBe('admitted')
    const { conditions = [] } = (await admin.get<V1Node>(PATH.node(ALPHA))).status ?? {}
    const network = { type: 'NetworkUnavailable', status: 'False', reason: 'FlannelIsUp' }
    expect(await outcome(status({ status: { conditions: [...conditions, network] } }))).toBe('admitted')
  })

  test('every rule has a case', () => {
    const cases = ['labels', 'the spec', 'addresses', 'NetworkUnavailable'].map(rule =>
      messageOf(FLANNEL_RULES, rule),
    )
    expect(new Set(cases)).toEqual(new Set(FLANNEL_RULES.map(({ message }) => message)))
  })
})
