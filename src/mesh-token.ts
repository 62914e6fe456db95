import { createHash, randomInt, X509Certificate } from 'node:crypto'
import type { V1Secret } from '@kubernetes/client-node'

/**
 * Join tokens are Kubernetes' bootstrap tokens, as `k3s token create` makes them: a Secret that the control plane
 * deletes when it expires. Source: https://docs.k3s.io/cli/token
 */
export interface TokenRequest {
  /** PEM of the mesh's CA. */
  readonly ca: string
  /** Unix seconds after which nobody joins with it. */
  readonly expiresAt: number
  /** For whom. */
  readonly description: string
  /** Whose it is: labels of src/labels.ts. */
  readonly labels: Readonly<Record<string, string>>
}

export interface NewToken {
  /** Six characters: the Secret is called by them. */
  readonly id: string
  /** `K10<sha256 of the CA>::<id>.<secret>` */
  readonly token: string
  /** What the API server is to be given. */
  readonly body: V1Secret
}

/** K3s's own group for agents: it may join, and nothing else. */
const AGENTS = 'system:bootstrappers:k3s:default-node-token'

export const TOKEN_NAMESPACE = 'kube-system'

export function tokenSecretName(id: string): string {
  return `bootstrap-token-${id}`
}

export function makeToken({ ca, expiresAt, description, labels }: TokenRequest): NewToken {
  const [id, secret] = [randomText(6), randomText(16)]
  const body = {
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
  return { id, token: `K10${hashOfCa(ca)}::${id}.${secret}`, body }
}

/** As K3s hashes it: a single certificate as it is written, of several the root's DER. Source: its pkg/clientaccess */
export function hashOfCa(pem: string): string {
  const texts = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const certificates = texts.map(text => new X509Certificate(text))
  const root = certificates.find(({ subject, issuer }) => subject === issuer)
  return createHash('sha256')
    .update(certificates.length > 1 && root ? root.raw : pem)
    .digest('hex')
}

/** Letters and digits, by chance: of tokens, and of the launch in a Node's name. */
export function randomText(length: number): string {
  return Array.from({ length }, () => randomInt(36).toString(36)).join('')
}
