import { makeToken, TOKEN_NAMESPACE, type TokenRequest, tokenSecretName } from '../mesh-token.ts'
import type { Kube } from './kube.ts'

/** See src/mesh-token.ts. */
export interface JoinToken {
  readonly id: string
  /** `K10<sha256 of the CA>::<id>.<secret>` */
  readonly token: string
  /** Unix seconds. */
  readonly expiresAt: number
}

export async function mintToken(
  kube: Kube,
  { expiresAt, labels }: Pick<TokenRequest, 'expiresAt' | 'labels'>,
): Promise<JoinToken> {
  const description = 'lmrun: VMs of one run join with it'
  const { id, token, body } = makeToken({ ca: kube.ca, expiresAt, description, labels })
  await kube.core.createNamespacedSecret({ namespace: TOKEN_NAMESPACE, body })
  return { id, token, expiresAt }
}

/** Tolerates that it has expired, and is gone. VMs that have joined stay. */
export async function revokeToken(kube: Kube, id: string): Promise<void> {
  try {
    await kube.core.deleteNamespacedSecret({ namespace: TOKEN_NAMESPACE, name: tokenSecretName(id) })
  } catch (error) {
    if (kube.statusOf(error) !== 404) throw error
  }
}
