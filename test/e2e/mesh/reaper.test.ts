/** Main's part in what publish.test.ts does not show: VMs of several nodes, silence of one half, ends of runs. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { KubernetesListObject, V1ConfigMap, V1Node, V1Service } from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { cleanRun } from '../../../src/mesh/clean.ts'
import { kubeletOf } from '../../../src/mesh-nodes.ts'
import { applyTo } from '../../../src/node/guard/guard.ts'
import type { KubeClient } from '../../../src/node/kube/client.ts'
import { PATH } from '../../../src/node/kube/paths.ts'
import { type JoinedNode, type MeshLab, startMeshLab } from '../../support/mesh-lab/lab.ts'
import type { MachineProcess } from '../../support/mesh-lab/machine.ts'
import {
  adminOf,
  answerOf,
  found,
  isPublishedReady,
  joinVm,
  KUBELET,
  serveModel,
  speakAs,
  startAgent,
  startReaper,
} from '../../support/mesh-nodes.ts'

const VM = 'llama-aaaaa'
const HEAD = `${VM}.0.11111`
const RANK = `${VM}.1.11111`
const OTHER = 'other-bbbbb.0.22222'
const GRACE_SECONDS = 5
const PATIENCE = { timeout: 60_000, interval: 100 }
const ended = new AbortController()
let lab: MeshLab
let admin: KubeClient
let head: JoinedNode
let rank: JoinedNode
let reaper: MachineProcess

beforeAll(async () => {
  lab = await startMeshLab({ vms: ['head', 'rank', 'other'], nodeGraceSeconds: 6 })
  admin = await adminOf(lab, ended.signal)
  await applyTo(admin)
  const expiry = { 'lmrun-expiry': String(Math.floor(Date.now() / 1000) + 3600) }
  head = await joinVm(lab, 'head', HEAD, { 'lmrun-run': '1', ...expiry })
  rank = await joinVm(lab, 'rank', RANK, { 'lmrun-run': '1', ...expiry })
  await joinVm(lab, 'other', OTHER, { 'lmrun-run': '2', ...expiry })
  await lab.resolveByMesh('other')
  reaper = startReaper(lab, { graceSeconds: GRACE_SECONDS })
})

afterAll(async () => {
  ended.abort()
  await lab?.stop()
})

const isReady = (node: string) => isPublishedReady(admin, node)

async function readiness(node: string, expected: boolean | null): Promise<void> {
  await vi.waitFor(async () => expect(await isReady(node)).toBe(expected), PATIENCE)
}

/** The addresses that a VM's name resolves to, or why it does not. */
async function addresses(): Promise<string[]> {
  const code = `require('dns').lookup('${VM}.default.svc.cluster.local', { all: true },
    (error, all) => console.log(error?.code ?? all.map(({ address }) => address).sort().join(' ')))`
  return (await lab.vm('other').run('node', ['-e', code])).trim().split(' ')
}

const headless = { publish: { ports: [{ name: 'http', port: 8000 }], health: '/health', headless: true } }

test('a VM of several nodes publishes its head; all of them when it is told to; headless, its name is their addresses', async () => {
  const servers = [await serveModel(lab, 'head', VM), await serveModel(lab, 'rank', VM)]
  const agents = [startAgent(lab, 'head', HEAD), startAgent(lab, 'rank', RANK)]
  await vi.waitFor(async () => expect(await answerOf(lab, 'other', VM)).toBe('head'), PATIENCE)
  expect(await isReady(RANK)).toBeNull()
  // It lives all the same.
  expect((await admin.get<V1ConfigMap>(PATH.own(RANK))).data?.beat).toBeDefined()
  for (const agent of agents) await agent.end()
  startAgent(lab, 'head', HEAD, { ranks: 'all', ...headless })
  startAgent(lab, 'rank', RANK, { ranks: 'all', ...headless })
  const both = [head.address, rank.address].sort()
  await vi.waitFor(async () => expect(await addresses()).toEqual(both), PATIENCE)
  expect((await admin.get<V1Service>(PATH.service(VM))).spec?.clusterIP).toBe('None')
  await servers[0]?.end()
  await vi.waitFor(async () => expect(await addresses()).toEqual([rank.address]), PATIENCE)
  await servers[1]?.end()
  await vi.waitFor(async () => expect(await addresses()).toEqual(['ENOTFOUND']), PATIENCE)
})

test('a kubelet that is silent costs nothing while the agent is heard; one that is not ready takes its service out', async () => {
  const server = await serveModel(lab, 'head', VM)
  await readiness(HEAD, true)
  head.k3s.signal('SIGSTOP')
  const kubelet = async () => kubeletOf(await admin.get<V1Node>(PATH.node(HEAD)))
  await vi.waitFor(async () => expect(await kubelet()).toBe('silent'), PATIENCE)
  await sleep(2 * GRACE_SECONDS * 1000)
  expect(await isReady(HEAD)).toBe(true)
  const identity = await speakAs(lab, 'head', KUBELET, ended.signal)
  const conditions = [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady' }]
  await identity.merge(`${PATH.node(HEAD)}/status`, { status: { conditions } })
  await readiness(HEAD, false)
  expect(await found(admin.get(PATH.node(HEAD)))).not.toBeNull()
  head.k3s.signal('SIGCONT')
  await readiness(HEAD, true)
  await server.end()
})

test('a main that is started anew retires who was lost meanwhile', async () => {
  await reaper.end()
  await lab.vanish('rank')
  reaper = startReaper(lab, { graceSeconds: GRACE_SECONDS })
  await vi.waitFor(async () => expect(await found(admin.get(PATH.node(RANK)))).toBeNull(), PATIENCE)
  expect(await found(admin.get(PATH.node(HEAD)))).not.toBeNull()
})

test('what a run left is cleaned by its label, and nothing else', async () => {
  await serveModel(lab, 'other', 'other-bbbbb')
  startAgent(lab, 'other', OTHER)
  await readiness(OTHER, true)
  const remove = (path: string) => (selector: string) =>
    admin.remove(`${path}?labelSelector=${encodeURIComponent(selector)}`)
  await cleanRun({ deleteNodes: remove(PATH.node()), deleteServices: remove(PATH.service()) }, 'lmrun-run=1')
  await readiness(HEAD, null)
  await vi.waitFor(async () => {
    const services = await admin.get<KubernetesListObject<V1Service>>(PATH.service())
    expect(services.items.map(({ metadata }) => metadata?.name).sort()).toEqual(['kubernetes', 'other-bbbbb'])
  }, PATIENCE)
  expect(await isReady(OTHER)).toBe(true)
})

test('main that is told to end ends', async () => {
  reaper.signal('SIGTERM')
  await reaper.saw(/^ended$/m)
  expect(await reaper.exited).toBe(0)
})
