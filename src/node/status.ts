import path from 'node:path'
import type { V1EndpointSlice, V1Node } from '@kubernetes/client-node'
import { explain } from '../errors.ts'
import { MESH, readNodeName, serviceHost } from '../mesh-names.ts'
import { kubeletOf, nodeAddress } from '../mesh-nodes.ts'
import { connectKube, KubeError } from './kube/client.ts'
import { PATH } from './kube/paths.ts'
import { AT, UNIT } from './paths.ts'
import { type AgentState, readAgentState, readMainState } from './state.ts'
import type { System } from './system.ts'
import { isActive } from './systemd.ts'

/** What this VM is in its mesh, what it publishes, and whether that is ready. */
export async function runStatusCommand(system: System): Promise<void> {
  const { root, log } = system
  const main = await readMainState(root)
  const agent = await readAgentState(root)
  if (!main && !agent) return log('this VM is in no mesh')
  if (main) {
    const { mesh, publicIp, privateIp, port } = main.info
    log(`main node of the mesh ${mesh}: ${main.nodeName} at ${publicIp ?? privateIp}:${port}`)
  }
  for (const unit of [UNIT.k3s, ...(main ? [UNIT.main] : []), ...(agent ? [UNIT.agent] : [])])
    log(`${unit}: ${(await isActive(system, unit)) ? 'runs' : `does not run: journalctl --unit ${unit}`}`)
  const kubeconfig = agent?.kubeconfig ?? AT.kubelet
  for (const line of await seenByMain(system, agent?.nodeName ?? main?.nodeName ?? '', kubeconfig, agent))
    log(line)
}

async function seenByMain(
  { root, signal }: System,
  nodeName: string,
  kubeconfig: string,
  agent: AgentState | null,
): Promise<string[]> {
  try {
    const kube = await connectKube(path.join(root, kubeconfig), signal)
    const node = await kube.get<V1Node>(PATH.node(nodeName))
    const ready = kubeletOf(node) === 'ready' ? 'ready' : 'not ready'
    const lines = [`${nodeName} is ${ready}, at ${nodeAddress(node) ?? 'no address yet'} in the mesh`]
    if (!agent || agent.publish.ports.length === 0) return lines
    const slice = await kube.get<V1EndpointSlice>(PATH.slice(nodeName)).catch(error => {
      if (error instanceof KubeError && error.status === 404) return null
      throw error
    })
    const host = serviceHost(readNodeName(nodeName)?.vm ?? '')
    const state = slice?.endpoints?.[0]?.conditions?.ready ? 'ready' : slice ? 'not ready' : 'not published'
    return [...lines, ...agent.publish.ports.map(({ name, port }) => `${name}: ${host}:${port} is ${state}`)]
  } catch (error) {
    signal.throwIfAborted()
    return [`main does not answer for ${MESH.namespace}: ${explain(error)}`]
  }
}
