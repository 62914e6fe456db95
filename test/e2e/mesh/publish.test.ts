/** Services of the mesh come, go and come back, on real Kubernetes components and a real network. */
import type { V1ConfigMap, V1Node, V1Service } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { BINDINGS } from '../../../src/mesh-names.ts'
import { applyTo } from '../../../src/node/guard/guard.ts'
import type { KubeClient } from '../../../src/node/kube/client.ts'
import { PATH } from '../../../src/node/kube/paths.ts'
import { type MeshLab, startMeshLab } from '../../support/mesh-lab/lab.ts'
import type { MachineProcess } from '../../support/mesh-lab/machine.ts'
import {
  adminOf,
  answerOf,
  found,
  isPublishedReady,
  joinVm,
  serveModel,
  startAgent,
  startReaper,
} from '../../support/mesh-nodes.ts'

/** Two runs with the same model: the names of their VMs differ by five characters. */
const ONE = 'qwen-aaaaa'
const TWO = 'qwen-bbbbb'
const NODE_ONE = `${ONE}.0.11111`
const NODE_TWO = `${TWO}.0.22222`
const PATIENCE = { timeout: 60_000, interval: 100 }
const ended = new AbortController()
let lab: MeshLab
let admin: KubeClient
let reaper: MachineProcess
let agent: MachineProcess
let server: MachineProcess

beforeAll(async () => {
  lab = await startMeshLab({ vms: [ONE, TWO, 'client'], nodeGraceSeconds: 6 })
  admin = await adminOf(lab, ended.signal)
  await applyTo(admin)
  const later = String(Math.floor(Date.now() / 1000) + 3600)
  await joinVm(lab, ONE, NODE_ONE, { 'lmrun-run': '1', 'lmrun-expiry': later })
  await joinVm(lab, TWO, NODE_TWO)
  await joinVm(lab, 'client', 'client.0.33333')
  await lab.resolveByMesh('client')
  reaper = startReaper(lab)
  server = await serveModel(lab, ONE, ONE)
  await serveModel(lab, TWO, TWO)
  agent = startAgent(lab, ONE, NODE_ONE)
  startAgent(lab, TWO, NODE_TWO)
})

afterAll(async () => {
  ended.abort()
  await lab?.stop()
})

const isReady = (node: string) => isPublishedReady(admin, node)

async function answers(service: string, expected: string | RegExp): Promise<void> {
  await vi.waitFor(async () => expect(await answerOf(lab, 'client', service)).toMatch(expected), PATIENCE)
}

async function readiness(node: string, expected: boolean | null): Promise<void> {
  await vi.waitFor(async () => expect(await isReady(node)).toBe(expected), PATIENCE)
}

async function binding(key: string): Promise<string | undefined> {
  return (await found(admin.get<V1ConfigMap>(PATH.own(BINDINGS))))?.data?.[key]
}

async function clusterIp(service: string): Promise<string | undefined> {
  return (await found(admin.get<V1Service>(PATH.service(service))))?.spec?.clusterIP
}

describe('a service', () => {
  test('appears under the name of its VM, beside that of another run with the same model', async () => {
    await Promise.all([answers(ONE, ONE), answers(TWO, TWO)])
    expect((await admin.get<V1Service>(PATH.service(ONE))).metadata?.labels).toMatchObject({
      'lmrun-run': '1',
    })
  })

  test('is out as soon as its server is dead, and back when the server is', async () => {
    await server.end()
    await readiness(NODE_ONE, false)
    await answers(ONE, 'ECONNREFUSED')
    server = await serveModel(lab, ONE, ONE)
    await answers(ONE, ONE)
  })

  test('is not ready while another model is served', async () => {
    await server.end()
    await readiness(NODE_ONE, false)
    server = await serveModel(lab, ONE, 'another')
    await agent.saw(/lists another, not qwen-aaaaa/)
    expect(await isReady(NODE_ONE)).toBe(false)
    await server.end()
    server = await serveModel(lab, ONE, ONE)
    await readiness(NODE_ONE, true)
  })

  test('is published anew when its slice or its Service was deleted', async () => {
    await admin.remove(PATH.slice(NODE_ONE))
    await readiness(NODE_ONE, true)
    await admin.remove(PATH.service(ONE))
    await answers(ONE, ONE)
  })

  test('keeps its name when what main wrote down is lost', async () => {
    await admin.remove(PATH.own(BINDINGS))
    await vi.waitFor(async () => expect(await binding(ONE)).toBe('11111'), PATIENCE)
    await admin.remove(PATH.slice(NODE_ONE))
    await readiness(NODE_ONE, true)
  })

  test('serves through a restart of the API server under load; its readiness stays true to it afterwards', async () => {
    await answers(ONE, ONE)
    let restarted = false
    const restart = lab.restartApiServer().finally(() => {
      restarted = true
    })
    const seen = new Set<string>()
    while (!restarted) seen.add(await answerOf(lab, 'client', ONE))
    await restart
    expect([...seen]).toEqual([ONE])
    await server.end()
    await readiness(NODE_ONE, false)
    server = await serveModel(lab, ONE, ONE)
    await answers(ONE, ONE)
  })

  test('survives that the history, and every watch with it, is gone', async () => {
    await lab.compactHistory()
    await admin.remove(PATH.slice(NODE_ONE))
    await readiness(NODE_ONE, true)
    await server.end()
    await readiness(NODE_ONE, false)
    server = await serveModel(lab, ONE, ONE)
    await answers(ONE, ONE)
  })
})

describe('an agent', () => {
  test('that is killed: its service is out within the lease, its Node stays; the next one brings it back', async () => {
    // A kube-proxy that has not heard of the outage before would answer for it.
    await readiness(NODE_ONE, true)
    const timesOut = () => reaper.output().split(`${NODE_ONE} is out`).length
    const before = timesOut()
    await agent.end()
    await vi.waitFor(() => expect(timesOut()).toBeGreaterThan(before), PATIENCE)
    await readiness(NODE_ONE, false)
    expect(await found(admin.get(PATH.node(NODE_ONE)))).not.toBeNull()
    agent = startAgent(lab, ONE, NODE_ONE)
    await answers(ONE, ONE)
  })

  test('that is told to end takes its slice along', async () => {
    agent.signal('SIGTERM')
    await agent.saw(/^ended$/m)
    expect(await agent.exited).toBe(0)
    expect(await isReady(NODE_ONE)).toBeNull()
    agent = startAgent(lab, ONE, NODE_ONE)
    await answers(ONE, ONE)
  })
})

describe('a VM', () => {
  test('with the name of another that lives gets nothing of it', async () => {
    await lab.addVm('thief')
    await joinVm(lab, 'thief', `${ONE}.0.99999`)
    await serveModel(lab, 'thief', ONE)
    const thief = startAgent(lab, 'thief', `${ONE}.0.99999`)
    await thief.saw(/not bound to this launch/)
    expect(await binding(ONE)).toBe('11111')
    expect(await isReady(`${ONE}.0.99999`)).toBeNull()
    await answers(ONE, ONE)
    await thief.end()
    await lab.vanish('thief')
    await vi.waitFor(
      async () => expect(await found(admin.get(PATH.node(`${ONE}.0.99999`)))).toBeNull(),
      PATIENCE,
    )
    expect(await binding(ONE)).toBe('11111')
  })

  test('that is cut off is out within the lease; then its Node, its slice, its name and the routes to it are gone', async () => {
    const node = await admin.get<V1Node>(PATH.node(NODE_TWO))
    const route = node.spec?.podCIDR ?? ''
    expect(await lab.vm('client').run('ip', ['route'])).toContain(route)
    await lab.cutOff(TWO)
    await readiness(NODE_TWO, false)
    await vi.waitFor(async () => expect(await found(admin.get(PATH.node(NODE_TWO)))).toBeNull(), PATIENCE)
    await readiness(NODE_TWO, null)
    await answers(TWO, 'ENOTFOUND')
    await vi.waitFor(
      async () => expect(await lab.vm('client').run('ip', ['route'])).not.toContain(route),
      PATIENCE,
    )
    expect(await binding(TWO)).toBeUndefined()
    expect(await binding(NODE_TWO)).toBeUndefined()
    await answers(ONE, ONE)
  })

  test('that is launched again by its run has its address again', async () => {
    const address = await clusterIp(ONE)
    await lab.vanish(ONE)
    await vi.waitFor(async () => expect(await found(admin.get(PATH.node(NODE_ONE)))).toBeNull(), PATIENCE)
    await lab.addVm('again')
    await joinVm(lab, 'again', `${ONE}.0.44444`, { 'lmrun-run': '1' })
    await serveModel(lab, 'again', ONE)
    startAgent(lab, 'again', `${ONE}.0.44444`)
    await answers(ONE, 'again')
    expect(await clusterIp(ONE)).toBe(address)
    expect(await binding(ONE)).toBe('44444')
  })
})
