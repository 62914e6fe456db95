import { createHash, randomInt } from 'node:crypto'
import type { Kube } from './kube.ts'

/**
 * Join tokens are Kubernetes' bootstrap tokens, as `k3s token create` makes them: a Secret that the control plane
 * deletes when it expires. Source: https://docs.k3s.io/cli/token
 */
export interface JoinToken {
  readonly id: string
  /** `K10<sha256 of the CA>::<id>.<secret>` */
  readonly token: string
  /** Unix seconds. */
  readonly expiresAt: number
}

/** K3s's own group for agents: it may join, and nothing else. */
const AGENTS = 'system:bootstrappers:k3s:default-node-token'
const NAMESPACE = 'kube-system'

export interface TokenRequest {
  /** Unix seconds after which nobody joins with it. */
  readonly expiresAt: number
  /** Whose it is: labels of src/labels.ts. */
  readonly labels: Readonly<Record<string, string>>
}

export async function mintToken(kube: Kube, { expiresAt, labels }: TokenRequest): Promise<JoinToken> {
  const id = randomText(6)
  const secret = randomText(16)
  await kube.core.createNamespacedSecret({
    namespace: NAMESPACE,
    body: {
      metadata: { name: secretName(id), labels: { ...labels } },
      type: 'bootstrap.kubernetes.io/token',
      stringData: {
        'token-id': id,
        'token-secret': secret,
        description: 'lmrun: VMs of one run join with it',
        expiration: new Date(expiresAt * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
        'usage-bootstrap-authentication': 'true',
        'usage-bootstrap-signing': 'true',
        'auth-extra-groups': AGENTS,
      },
    },
  })
  const hash = createHash('sha256').update(kube.ca).digest('hex')
  return { id, token: `K10${hash}::${id}.${secret}`, expiresAt }
}

/** Tolerates that it has expired, and is gone. VMs that have joined stay. */
export async function revokeToken(kube: Kube, id: string): Promise<void> {
  try {
    await kube.core.deleteNamespacedSecret({ namespace: NAMESPACE, name: secretName(id) })
  } catch (error) {
    if (kube.statusOf(error) !== 404) throw error
  }
}

function secretName(id: string): string {
  return `bootstrap-token-${id}`
}

function randomText(length: number): string {
  return Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'.charAt(randomInt(36))).join('')
}
