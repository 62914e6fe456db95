import type { Join, MainInfo } from '../../mesh-join.ts'
import { makeToken, TOKEN_NAMESPACE, tokenSecretName } from '../../mesh-token.ts'
import type { KubeClient } from '../kube/client.ts'
import { MANAGER } from '../kube/managers.ts'

export interface MintRequest {
  readonly main: MainInfo
  /** PEM of the mesh's CA. */
  readonly ca: string
  /** Unix seconds. */
  readonly expiresAt: number
}

/** A new token, for VMs that are launched by hand. */
export async function mintJoin(kube: KubeClient, { main, ca, expiresAt }: MintRequest): Promise<Join> {
  const description = 'lmrun: VMs launched by hand join with it'
  const { id, token, body } = makeToken({ ca, expiresAt, description, labels: {} })
  const path = `/api/v1/namespaces/${TOKEN_NAMESPACE}/secrets/${tokenSecretName(id)}`
  await kube.apply(path, body, MANAGER.guard)
  return { version: 1, main, token, expiresAt, launch: null, labels: {} }
}
