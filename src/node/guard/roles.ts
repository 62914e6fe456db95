import { MESH } from '../../mesh-names.ts'

const RBAC = 'rbac.authorization.k8s.io'

interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

/** For the group that every kubelet is in, beside what Kubernetes' Node authorizer gives it. */
function forNodes(name: string, namespace: string, rules: readonly PolicyRule[]) {
  const metadata = { name, namespace }
  const subjects = [{ kind: 'Group', name: 'system:nodes', apiGroup: RBAC }]
  return [
    { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { kind: 'Role', name, apiGroup: RBAC },
      subjects,
    },
  ]
}

/**
 * Which objects a policy then narrows to the node's own. Services are main's to make: read alone, for /etc/hosts.
 * Not Leases: NodeRestriction lets a kubelet write none but its own in kube-node-lease, which says nothing of the agent.
 */
export function roles() {
  const read = ['get', 'list', 'watch']
  return [
    ...forNodes('lmrun-publish', MESH.namespace, [
      {
        apiGroups: ['discovery.k8s.io'],
        resources: ['endpointslices'],
        verbs: [...read, 'create', 'update', 'patch', 'delete'],
      },
      { apiGroups: [''], resources: ['services'], verbs: read },
    ]),
    ...forNodes('lmrun-beat', MESH.ownNamespace, [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'patch'] },
    ]),
  ]
}
