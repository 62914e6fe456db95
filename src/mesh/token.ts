import { createHash, randomInt } from 'node:crypto'
import { TOKEN_NAMESPACE, tokenSecret, tokenSecretName } from '../mesh-token.ts'
import type { Kube } from './kube.ts'

/** See src/mesh-token.ts. */
export interface JoinToken {
  readonly id: string
  /** `K10<sha256 of the CA>::<id>.<secret>` */
  readonly token: string
  /** Unix seconds. */
  readonly expiresAt: number
}

export interface TokenRequest {
  /** Unix seconds after which nobody joins with it. */
  readonly expiresAt: number
  /** Whose it is: labels of src/labels.ts. */
  readonly labels: Readonly<Record<string, string>>
}

export async function mintToken(kube: Kube, { expiresAt, labels }: TokenRequest): Promise<JoinToken> {
  const id = randomText(6)
  const secret = randomText(16)
  const description = 'lmrun: VMs of one run join with it'
  await kube.core.createNamespacedSecret({
    namespace: TOKEN_NAMESPACE,
    body: tokenSecret({ id, secret, expiresAt, description, labels }),
  })
  const hash = createHash('sha256').update(kube.ca).digest('hex')
  return { id, token: `K10${hash}::${id}.${secret}`, expiresAt }
}

/** Tolerates that it has expired, and is gone. VMs that have joined stay. */
export async function revokeToken(kube: Kube, id: string): Promise<void> {
  try {
    await kube.core.deleteNamespacedSecret({ namespace: TOKEN_NAMESPACE, name: tokenSecretName(id) })
  } catch (error) {
    if (kube.statusOf(error) !== 404) throw error
  }
}

function randomText(length: number): string {
  return Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'.charAt(randomInt(36))).join('')
}
