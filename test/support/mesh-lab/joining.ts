/** What a K3s server has set up for its agents: who may join, and what flannel may do. */
import { randomBytes } from 'node:crypto'
import { type Access, apply, call } from './api.ts'

/** K3s's: its tokens are of this group. */
export const JOINERS = 'system:bootstrappers:k3s:default-node-token'
const RBAC = '/apis/rbac.authorization.k8s.io/v1'

/** Allows holders of join tokens to ask for a node's certificate, and flannel to look after its leases. */
export async function allowJoining(admin: Access): Promise<void> {
  await bind(admin, 'mesh-lab-ask', 'system:node-bootstrapper', { kind: 'Group', name: JOINERS })
  const approved = 'system:certificates.k8s.io:certificatesigningrequests:nodeclient'
  await bind(admin, 'mesh-lab-approve', approved, { kind: 'Group', name: JOINERS })
  await apply(admin, `${RBAC}/clusterroles/mesh-lab-flannel`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'mesh-lab-flannel' },
    rules: [
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
    ],
  })
  await bind(admin, 'mesh-lab-flannel', 'mesh-lab-flannel', { kind: 'User', name: 'system:k3s-controller' })
}

/** Mints a token, as `k3s token create` does. @returns `ID.SECRET` */
export async function createToken(admin: Access, ttlSeconds: number): Promise<string> {
  const [id, secret] = [randomBytes(3).toString('hex'), randomBytes(8).toString('hex')]
  const expiration = new Date(Date.now() + ttlSeconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z')
  await call(admin, 'POST', '/api/v1/namespaces/kube-system/secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-secret': secret,
      expiration,
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': JOINERS,
    },
  })
  return `${id}.${secret}`
}

async function bind(
  admin: Access,
  name: string,
  role: string,
  subject: { kind: string; name: string },
): Promise<void> {
  await apply(admin, `${RBAC}/clusterrolebindings/${name}`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ ...subject, apiGroup: 'rbac.authorization.k8s.io' }],
  })
}
