/** The runner's side of the mesh against a real API server: waiting for services, letting VMs in, leaving. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemClock as clock } from '../../../src/clock.ts'
import { ownerLabels } from '../../../src/labels.ts'
import { connectMesh, type MeshConnection } from '../../../src/mesh/connection.ts'
import { createK3sMesh, type RunConnection } from '../../../src/mesh/k3s.ts'
import { connectKube } from '../../../src/mesh/kube.ts'
import { waitForEndpoint } from '../../../src/mesh/ready.ts'
import { mintToken, revokeToken } from '../../../src/mesh/token.ts'
import type { Join } from '../../../src/mesh-join.ts'
import { follow, isRefusal } from '../../../src/mesh-kube.ts'
import { MESH_LABEL } from '../../../src/mesh-names.ts'
import { call } from '../../support/mesh-lab/api.ts'
import { type MeshLab, startMeshLab } from '../../support/mesh-lab/lab.ts'
import {
  furnishMesh,
  kubeconfigOf,
  MAIN,
  nodeNames,
  putNode,
  putSlice,
  silentServer,
  wireTo,
} from '../../support/mesh-runner.ts'

const PATIENCE = { timeout: 60_000, interval: 50 }
const NEVER = new AbortController().signal
const WAIT = { signal: NEVER, deadlineMs: 120_000, clock }
let lab: MeshLab
let mesh: MeshConnection

beforeAll(async () => {
  lab = await startMeshLab({ vms: ['one', 'two'] })
})
afterAll(() => lab?.stop())

/** Whether it has come about; afterwards it may. */
function settled(promise: Promise<unknown>): () => boolean {
  let done = false
  const note = () => {
    done = true
  }
  promise.then(note, note)
  return () => done
}

describe('a kubeconfig', () => {
  test('of an API server without a mesh is told, with what makes one', async () => {
    await expect(connectMesh(await kubeconfigOf(lab))).rejects.toMatchObject({
      message: expect.stringMatching(/^the API server at https:\/\/127\.0\.0\.1:\d+ has no mesh$/),
      hint: expect.stringContaining('lmrun mesh up'),
    })
  })

  test('of a mesh leads to what main tells of itself', async () => {
    await furnishMesh(lab)
    mesh = await connectMesh(await kubeconfigOf(lab))
    expect(mesh.main).toEqual(MAIN)
  })

  test('that is none, leads nowhere or lets nobody in is told so', async () => {
    await expect(connectMesh('clusters: []')).rejects.toThrow('the kubeconfig of the mesh cannot be used')
    const nowhere = await kubeconfigOf(lab, { server: 'https://127.0.0.1:9' })
    await expect(connectMesh(nowhere)).rejects.toThrow('cannot be asked for its mesh')
    const stranger = await kubeconfigOf(lab, { token: 'wrong' })
    await expect(connectMesh(stranger)).rejects.toThrow('refuses the kubeconfig of the mesh')
  })
})

describe('waiting for a service', () => {
  test('ends when its slice becomes ready, and not before', async () => {
    const wait = waitForEndpoint(mesh.kube, 'a', WAIT)
    const isOver = settled(wait)
    await putSlice(lab, { service: 'a', ready: false })
    await putSlice(lab, { service: 'other', ready: true })
    await waitForEndpoint(mesh.kube, 'other', WAIT)
    expect(isOver()).toBe(false)
    await putSlice(lab, { service: 'a', ready: true })
    await wait
    // Ready before anybody waited.
    await waitForEndpoint(mesh.kube, 'a', WAIT)
  })

  test('goes on when its watch is cut, again and again', async () => {
    await using wire = await wireTo(lab)
    const kube = await connectKube(await kubeconfigOf(lab, { server: wire.server }))
    const wait = waitForEndpoint(kube, 'b', WAIT)
    const isOver = settled(wait)
    for (const before of [0, 1, 2]) {
      await vi.waitFor(() => expect(wire.total()).toBeGreaterThan(before), PATIENCE)
      const were = wire.total()
      await vi.waitFor(() => expect(wire.open()).toBeGreaterThan(0), PATIENCE)
      wire.cut()
      await vi.waitFor(() => expect(wire.total()).toBeGreaterThan(were), PATIENCE)
    }
    expect(isOver()).toBe(false)
    await putSlice(lab, { service: 'b', ready: true })
    await wait
  })

  test('goes on through a restart of the API server', async () => {
    const wait = waitForEndpoint(mesh.kube, 'c', WAIT)
    const isOver = settled(wait)
    await putSlice(lab, { service: 'c', ready: false })
    await lab.restartApiServer()
    expect(isOver()).toBe(false)
    await putSlice(lab, { service: 'c', ready: true })
    await wait
  })

  test('goes on when the history that it knew is compacted: 410', async () => {
    const { discovery, watcher } = mesh.kube
    const namespace = 'default'
    const { resourceVersion: old = '' } =
      (await discovery.listNamespacedEndpointSlice({ namespace })).metadata ?? {}
    await lab.compactHistory()
    let lists = 0
    const codes: unknown[] = []
    const followed = {
      path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      list: async () => {
        const list = await discovery.listNamespacedEndpointSlice({ namespace })
        lists += 1
        // The first watch begins where there is nothing any more.
        return lists > 1 ? list : { ...list, metadata: { ...list.metadata, resourceVersion: old } }
      },
    }
    const noting: typeof watcher = {
      watch: (path, query, on, done) =>
        watcher.watch(
          path,
          query,
          (phase, object) => {
            if (phase === 'ERROR') codes.push((object as { code?: unknown }).code)
            on(phase, object)
          },
          done,
        ),
    }
    const wait = follow(followed, objects => objects.has('d.0.aaaaa'), {
      watcher: noting,
      clock,
      signal: NEVER,
      isFinal: isRefusal,
    })
    await vi.waitFor(() => expect(lists).toBeGreaterThan(1), PATIENCE)
    await putSlice(lab, { service: 'd', ready: true })
    await wait
    expect(codes).toEqual([410])
  })

  test('stops when it is told to', async () => {
    const stop = new AbortController()
    const wait = waitForEndpoint(mesh.kube, 'nobody', { ...WAIT, signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(wait).rejects.toThrow('enough')
    const signal = AbortSignal.abort(new Error('before'))
    await expect(waitForEndpoint(mesh.kube, 'nobody', { ...WAIT, signal })).rejects.toThrow('before')
  })

  test('stops also when the API server takes connections and never answers', async () => {
    await using silent = await silentServer()
    const kube = await connectKube(await kubeconfigOf(lab, { server: silent.server }))
    const stop = new AbortController()
    const wait = waitForEndpoint(kube, 'a', { ...WAIT, signal: stop.signal })
    await vi.waitFor(() => expect(silent.total()).toBeGreaterThan(0), PATIENCE)
    stop.abort(new Error('enough'))
    await expect(wait).rejects.toThrow('enough')
    await expect(waitForEndpoint(kube, 'a', { ...WAIT, deadlineMs: 200 })).rejects.toThrow('was not ready')
  })

  test('ends at its deadline with what was last seen', async () => {
    const soon = { ...WAIT, deadlineMs: 1500 }
    await expect(waitForEndpoint(mesh.kube, 'nobody', soon)).rejects.toThrow(
      'nobody was not ready after 2 s: last seen nothing: its VM has not joined the mesh',
    )
    await putSlice(lab, { service: 'sick', ready: false })
    await expect(waitForEndpoint(mesh.kube, 'sick', soon)).rejects.toThrow(
      'last seen its VM in the mesh, but the server on it not healthy',
    )
  })

  test('ends at once when the credentials are refused', async () => {
    const stranger = await connectKube(await kubeconfigOf(lab, { token: 'wrong' }))
    await expect(waitForEndpoint(stranger, 'a', WAIT)).rejects.toMatchObject({
      message: 'the mesh could not be asked for a',
      cause: { code: 401 },
    })
  })
})

const join = (vm: string, nodeName: string, token: string) => lab.joinAs(vm, { nodeName, token })

/** Who has joined keeps an identity: the API server must have heard of the token's end before anybody tries. */
async function refused(token: string): Promise<void> {
  const access = { server: lab.admin.server, ca: lab.admin.ca, token: token.replace(/^.*::/, '') }
  await vi.waitFor(
    () => expect(call(access, 'GET', '/api/v1/nodes')).rejects.toMatchObject({ status: 401 }),
    PATIENCE,
  )
}

describe('a token', () => {
  const inAnHour = () => Math.floor(Date.now() / 1000) + 3600

  test('lets VMs in until it is revoked; those that are in stay', async () => {
    const token = await mintToken(mesh.kube, { expiresAt: inAnHour(), labels: { 'lmrun-run': '1' } })
    expect(token.token.startsWith(`K10${lab.caHash}::${token.id}.`)).toBe(true)
    await join('one', 'one.0.aaaaa', token.token)
    await revokeToken(mesh.kube, token.id)
    await refused(token.token)
    await expect(join('two', 'two.0.aaaaa', token.token)).rejects.toThrow(/level=fatal/)
    expect(await nodeNames(lab)).toContain('one.0.aaaaa')
    // What is gone is gone.
    await revokeToken(mesh.kube, token.id)
  })

  test('lets nobody in after its time, nor to who has another CA', async () => {
    const old = await mintToken(mesh.kube, { expiresAt: inAnHour() - 7200, labels: {} })
    await expect(join('two', 'two.0.bbbbb', old.token)).rejects.toThrow(/level=fatal/)
    const good = await mintToken(mesh.kube, { expiresAt: inAnHour(), labels: {} })
    const other = good.token.replace(/^K10[0-9a-f]{64}/, `K10${'0'.repeat(64)}`)
    await expect(join('two', 'two.0.ccccc', other)).rejects.toThrow(/level=fatal/)
    await join('two', 'two.0.ddddd', good.token)
    await revokeToken(mesh.kube, good.id)
  })
})

describe('a run in a mesh that it shares', () => {
  const expiry = Math.floor(Date.now() / 1000) + 3600
  const labelsOf = (run: string, attempt = '1') =>
    ownerLabels({ run, attempt, repository: 'acme/widgets', expiry, ending: 'down' })
  const handed: { vm: string; join: Join }[] = []

  function meshOf(run: string, { stays = true, connection = Promise.resolve({ ...mesh, stays }) } = {}) {
    let closed = 0
    const one = createK3sMesh({
      clock,
      connection,
      hand: async (vm, join) => void handed.push({ vm, join }),
      probe: async () => ({ ready: true }),
      labels: labelsOf(run),
      close: async () => void closed++,
    })
    return { mesh: one, closed: () => closed }
  }

  /** Two runs with the same models, a warm server of one name among them, and somebody who joined by hand. */
  const NODES = {
    'qwen-aaaaa.0.11111': { [MESH_LABEL.vm]: 'qwen-aaaaa', ...labelsOf('11') },
    'client-aaaaa.0.11111': { [MESH_LABEL.vm]: 'client-aaaaa', ...labelsOf('11') },
    'qwen.0.11111': { [MESH_LABEL.vm]: 'qwen', ...labelsOf('11') },
    'qwen.0.22222': { [MESH_LABEL.vm]: 'qwen', ...labelsOf('22') },
    'qwen-bbbbb.0.22222': { [MESH_LABEL.vm]: 'qwen-bbbbb', ...labelsOf('22') },
    'qwen-ccccc.0.33333': { [MESH_LABEL.vm]: 'qwen-ccccc', ...labelsOf('11', '2') },
    'hand.0.44444': { [MESH_LABEL.vm]: 'hand' },
  }
  const there = async () => (await nodeNames(lab)).filter(name => name in NODES)

  beforeAll(async () => {
    for (const [name, labels] of Object.entries(NODES)) await putNode(lab, name, labels)
  })

  test('hands its VMs one token, and each a launch of its own', async () => {
    const one = meshOf('11')
    await Promise.all([one.mesh.admit('a'), one.mesh.admit('b')])
    const [a, b] = handed.splice(0)
    expect(a?.join).toMatchObject({ version: 1, main: MAIN, expiresAt: expiry, labels: labelsOf('11') })
    expect(a?.join.token).toBe(b?.join.token)
    expect(a?.join.launch).not.toBe(b?.join.launch)
    await lab.addVm('three')
    const token = a?.join.token ?? ''
    await join('three', 'three.0.eeeee', token)
    await one.mesh.close(['three'])
    expect(one.closed()).toBe(1)
    // Its token is gone with it.
    await lab.addVm('four')
    await refused(token)
    await expect(join('four', 'four.0.fffff', token)).rejects.toThrow(/level=fatal/)
    for (const [name, labels] of Object.entries(NODES))
      if (!(await there()).includes(name)) await putNode(lab, name, labels)
  })

  test('takes out a service that is done, and nothing of another run or attempt', async () => {
    const one = meshOf('11')
    await one.mesh.admit('a')
    await one.mesh.leave({ name: 'qwen', port: 8000 })
    await vi.waitFor(
      async () =>
        expect(await there()).toEqual(
          Object.keys(NODES)
            .filter(name => name !== 'qwen.0.11111')
            .toSorted(),
        ),
      PATIENCE,
    )
    // Again: it tolerates that it is gone.
    await one.mesh.leave({ name: 'qwen', port: 8000 })
    await one.mesh.close(['client-aaaaa', 'qwen'])
    await vi.waitFor(
      async () =>
        expect(await there()).toEqual([
          'hand.0.44444',
          // Kept, or another leg's of the same run.
          'qwen-aaaaa.0.11111',
          'qwen-bbbbb.0.22222',
          'qwen-ccccc.0.33333',
          'qwen.0.22222',
        ]),
      PATIENCE,
    )
  })

  test('leaves a mesh of its own as it is: it goes with its main', async () => {
    const own = meshOf('22', { stays: false })
    await own.mesh.admit('a')
    await own.mesh.close(['qwen-bbbbb'])
    expect(own.closed()).toBe(1)
    expect(await there()).toContain('qwen-bbbbb.0.22222')
  })

  test('has nothing to leave when there is no main, and says why to whoever wants in', async () => {
    const connection = Promise.reject<RunConnection>(new Error('no main'))
    const never = meshOf('22', { connection })
    await expect(never.mesh.admit('qwen-bbbbb')).rejects.toThrow('no main')
    await never.mesh.leave({ name: 'qwen-bbbbb', port: 8000 })
    await never.mesh.close(['qwen-bbbbb'])
    expect(never.closed()).toBe(1)
    expect(await there()).toContain('qwen-bbbbb.0.22222')
  })

  test('waits for what the client sees, too', async () => {
    await putSlice(lab, { service: 'seen', ready: true })
    const looks = ['the first', 'the second']
    const one = createK3sMesh({
      clock,
      connection: Promise.resolve({ ...mesh, stays: true }),
      hand: async () => {},
      probe: async ({ base }) => {
        expect(base).toBe('http://seen.default.svc.cluster.local:8000')
        const seen = looks.shift()
        return seen === undefined ? { ready: true } : { ready: false, seen }
      },
      labels: labelsOf('22'),
      close: async () => {},
    })
    await one.waitUntilReady({ name: 'seen', port: 8000 }, WAIT)
    expect(looks).toEqual([])
    looks.push(...Array.from({ length: 1000 }, () => 'no route'))
    await expect(
      one.waitUntilReady({ name: 'seen', port: 8000 }, { ...WAIT, deadlineMs: 1200 }),
    ).rejects.toThrow('seen is ready in the mesh, but the client does not reach it: no route')
  })
})
