/** VMs of a mesh lab as the product's own client sees them. */
import path from 'node:path'
import type { V1EndpointSlice } from '@kubernetes/client-node'
import { createKubeClient, type KubeClient } from '../../src/node/kube/client.ts'
import { readKubeconfig } from '../../src/node/kube/config.ts'
import { PATH } from '../../src/node/kube/paths.ts'
import type { AgentOptions } from '../../src/node/publish/agent.ts'
import type { ReaperOptions } from '../../src/node/reaper/reaper.ts'
import type { JoinedNode, MeshLab } from './mesh-lab/lab.ts'
import type { MachineProcess } from './mesh-lab/machine.ts'

/** Where K3s has what an agent speaks with. */
const IDENTITIES = '/var/lib/rancher/k3s/agent'
export const KUBELET = path.join(IDENTITIES, 'kubelet.kubeconfig')
export const FLANNEL = path.join(IDENTITIES, 'k3scontroller.kubeconfig')

export async function adminOf(lab: MeshLab, signal: AbortSignal): Promise<KubeClient> {
  return createKubeClient(await readKubeconfig(lab.adminKubeconfig), signal)
}

/** Speaks with an identity that lies on a VM, from the test's side. */
export async function speakAs(
  lab: MeshLab,
  vm: string,
  kubeconfig: string,
  signal: AbortSignal,
): Promise<KubeClient> {
  const access = await readKubeconfig(lab.vm(vm).file(kubeconfig))
  return createKubeClient({ ...access, server: lab.admin.server }, signal)
}

/** Joins a VM under the name of a launch, with what the product labels its Node with. */
export async function joinVm(
  lab: MeshLab,
  machine: string,
  nodeName: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<JoinedNode> {
  const all = { 'lmrun-vm': nodeName.split('.')[0] ?? '', ...labels }
  const flags = Object.entries(all).map(([key, value]) => `--node-label=${key}=${value}`)
  return lab.joinAs(machine, { nodeName, token: await lab.createToken(), flags })
}

/** What is there, or null. */
export async function found<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise
  } catch (error) {
    if ((error as { status?: unknown }).status === 404) return null
    throw error
  }
}

/** Whether a Node's slice says that its service is ready; null without a slice, or when it says nothing. */
export async function isPublishedReady(admin: KubeClient, node: string): Promise<boolean | null> {
  const slice = await found(admin.get<V1EndpointSlice>(PATH.slice(node)))
  return slice?.endpoints?.[0]?.conditions?.ready ?? null
}

const PORT = 8000

/** A model server in a VM: healthy, and lists `model`. */
export async function serveModel(lab: MeshLab, vm: string, model: string): Promise<MachineProcess> {
  const list = JSON.stringify({ data: [{ id: model }] })
  const code = `require('http').createServer((request, response) =>
    response.end(request.url === '/v1/models' ? ${JSON.stringify(list)} : ${JSON.stringify(vm)}))
    .listen(${PORT}, '0.0.0.0', () => console.log('listening'))`
  const server = lab.vm(vm).spawn('node', ['-e', code])
  await server.saw(/listening/)
  return server
}

export function startAgent(
  lab: MeshLab,
  vm: string,
  nodeName: string,
  options: Partial<AgentOptions> = {},
): MachineProcess {
  return startAgents(lab, vm, [{ nodeName, ...options }])
}

/** Several in one process. */
export function startAgents(
  lab: MeshLab,
  vm: string,
  agents: readonly (Partial<AgentOptions> & Pick<AgentOptions, 'nodeName'>)[],
): MachineProcess {
  const publish = { ports: [{ name: 'http', port: PORT }], health: '/health', headless: false }
  const usual = { kubeconfig: KUBELET, publish, ranks: 'head', models: true, apiKeyFile: null }
  return lab
    .vm(vm)
    .spawn('node', [ENTRY, JSON.stringify({ agents: agents.map(one => ({ ...usual, ...one })) })])
}

export function startReaper(
  lab: MeshLab,
  { leaseSeconds = 10, graceSeconds = 5 }: Partial<ReaperOptions> = {},
): MachineProcess {
  const kubeconfig = '/etc/rancher/k3s/k3s.yaml'
  return lab.main.spawn('node', [
    ENTRY,
    JSON.stringify({ reaper: { kubeconfig, leaseSeconds, graceSeconds } }),
  ])
}

const ENTRY = path.join(import.meta.dirname, 'mesh-node.ts')

/** What a VM gets from a service by name: the answering VM, or why there is no answer. */
export async function answerOf(lab: MeshLab, from: string, service: string): Promise<string> {
  const code = `fetch('http://${service}.default.svc.cluster.local:${PORT}/', { signal: AbortSignal.timeout(2000) })
    .then(response => response.text()).then(console.log, error => console.log(error.cause?.code ?? error.name))`
  return (await lab.vm(from).run('node', ['-e', code])).trim()
}
