import type { KubernetesObject } from '@kubernetes/client-node'
import { BINDINGS, MESH } from '../../mesh-names.ts'
import { connectKube, type KubeClient } from '../kube/client.ts'
import { MANAGER } from '../kube/managers.ts'
import { beatPolicy } from './beats.ts'
import { nodePolicies } from './nodes.ts'
import { roles } from './roles.ts'
import { slicePolicy } from './slices.ts'

/** Everything that lets VMs publish, and holds them to it; in the order in which it can be applied. */
export function guards(): KubernetesObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: MESH.ownNamespace } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: BINDINGS, namespace: MESH.ownNamespace } },
    // Before the roles: whoever may write is judged from the first moment.
    ...slicePolicy(),
    ...beatPolicy(),
    ...nodePolicies(),
    ...roles(),
  ]
}

export interface GuardOptions {
  /** Path of an admin's kubeconfig. */
  readonly kubeconfig: string
  readonly signal: AbortSignal
}

/** Applies all guards; a second time changes nothing. */
export async function applyGuards({ kubeconfig, signal }: GuardOptions): Promise<void> {
  await applyTo(await connectKube(kubeconfig, signal))
}

export async function applyTo(kube: KubeClient): Promise<void> {
  for (const object of guards()) await kube.apply(pathOf(object), object, MANAGER.guard)
}

const PLURAL: Readonly<Record<string, string>> = {
  ConfigMap: 'configmaps',
  Namespace: 'namespaces',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
}

export function pathOf({ apiVersion = '', kind = '', metadata }: KubernetesObject): string {
  const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`
  const place = metadata?.namespace ? `/namespaces/${metadata.namespace}` : ''
  return `${root}${place}/${PLURAL[kind]}/${metadata?.name}`
}
