import type { V1ConfigMap, V1EndpointSlice, V1Node } from '@kubernetes/client-node'
import { BINDINGS, MESH } from '../../mesh-names.ts'
import { type KubeClient, KubeError } from '../kube/client.ts'
import { MANAGER } from '../kube/managers.ts'
import { PATH } from '../kube/paths.ts'
import type { BeatWatch } from './beats.ts'
import type { BindingsPatch } from './bindings.ts'
import type { Action } from './decide.ts'
import { judge } from './judge.ts'

/** @returns what was done, for people; null when the world has moved on meanwhile, of which main will hear */
export async function act(kube: KubeClient, action: Action, beats: BeatWatch): Promise<string | null> {
  try {
    return await attempt(kube, action, beats)
  } catch (error) {
    if (error instanceof KubeError && (error.status === 404 || error.status === 409)) return null
    throw error
  }
}

async function attempt(kube: KubeClient, action: Action, beats: BeatWatch): Promise<string | null> {
  switch (action.do) {
    case 'bind': {
      const { patch, resourceVersion } = action
      if (resourceVersion === null) await createBindings(kube, patch)
      else await kube.merge(PATH.own(BINDINGS), { metadata: { resourceVersion }, data: patch })
      const lines = Object.entries(patch).map(([key, value]) =>
        value === null ? `-${key}` : `${key}=${value}`,
      )
      return `bound: ${lines.join(' ')}`
    }
    case 'apply': {
      const { service } = action
      await kube.apply(PATH.service(service.metadata?.name), service, MANAGER.reaper)
      return `service ${service.metadata?.name}: ${service.spec?.ports?.map(({ port }) => port).join(', ')}`
    }
    case 'replace':
    case 'drop': {
      // A replaced one is applied again as soon as main hears that it is gone.
      const { name, uid } = action.service.metadata ?? {}
      await kube.remove(PATH.service(name), uid ? { uid } : undefined)
      return `service ${name} deleted`
    }
    case 'unready':
      await callUnready(kube, action.slice)
      return `${action.slice.metadata?.name} is out: its agent or its kubelet is silent`
    case 'delete':
      return deleteNode(kube, action.node, beats)
  }
}

async function createBindings(kube: KubeClient, data: BindingsPatch): Promise<void> {
  const metadata = { name: BINDINGS, namespace: MESH.ownNamespace }
  await kube.apply(
    PATH.own(BINDINGS),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as object,
    MANAGER.reaper,
  )
}

async function callUnready(kube: KubeClient, { metadata, endpoints }: V1EndpointSlice): Promise<void> {
  const conditions = { ready: false, serving: false, terminating: false }
  await kube.merge(PATH.slice(metadata?.name), {
    metadata: { resourceVersion: metadata?.resourceVersion },
    endpoints: (endpoints ?? []).map(endpoint => ({ ...endpoint, conditions })),
  })
}

/** Never a healthy one: it is judged again as it is now, and deleted only as it was read. */
async function deleteNode(kube: KubeClient, { metadata }: V1Node, beats: BeatWatch): Promise<string | null> {
  const name = metadata?.name ?? ''
  const [node, beat] = await Promise.all([kube.get<V1Node>(PATH.node(name)), readBeat(kube, name)])
  const { uid, resourceVersion } = node.metadata ?? {}
  if (!uid || !resourceVersion || uid !== metadata?.uid) return null
  if (beat !== beats.last(name) || judge(node, beats.of(name)) !== 'dead') return null
  await kube.remove(PATH.node(name), { uid, resourceVersion })
  return `Node ${name} deleted: nobody on it was heard of`
}

async function readBeat(kube: KubeClient, name: string): Promise<string | null> {
  try {
    return (await kube.get<V1ConfigMap>(PATH.own(name))).data?.beat ?? ''
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null
    throw error
  }
}
