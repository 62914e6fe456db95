import type { V1Secret } from '@kubernetes/client-node'

/**
 * Join tokens are Kubernetes' bootstrap tokens, as `k3s token create` makes them: a Secret that the control plane
 * deletes when it expires. Source: https://docs.k3s.io/cli/token
 */
export interface TokenParts {
  /** Six characters. */
  readonly id: string
  /** Sixteen. */
  readonly secret: string
  /** Unix seconds after which nobody joins with it. */
  readonly expiresAt: number
  /** For whom. */
  readonly description: string
  /** Whose it is: labels of src/labels.ts. */
  readonly labels: Readonly<Record<string, string>>
}

/** K3s's own group for agents: it may join, and nothing else. */
const AGENTS = 'system:bootstrappers:k3s:default-node-token'

export const TOKEN_NAMESPACE = 'kube-system'

export function tokenSecretName(id: string): string {
  return `bootstrap-token-${id}`
}

export function tokenSecret({ id, secret, expiresAt, description, labels }: TokenParts): V1Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: tokenSecretName(id), namespace: TOKEN_NAMESPACE, labels: { ...labels } },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-secret': secret,
      description,
      expiration: new Date(expiresAt * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': AGENTS,
    },
  }
}
