import { randomInt } from 'node:crypto'
import type { Join, MainInfo } from '../../mesh-join.ts'
import { TOKEN_NAMESPACE, tokenSecret, tokenSecretName } from '../../mesh-token.ts'
import type { KubeClient } from '../kube/client.ts'
import { MANAGER } from '../kube/managers.ts'
import { hashOfCa } from './trust.ts'

export interface MintRequest {
  readonly main: MainInfo
  /** PEM of the mesh's CA. */
  readonly ca: string
  /** Unix seconds. */
  readonly expiresAt: number
}

/** A new token, for VMs that are launched by hand. */
export async function mintJoin(kube: KubeClient, { main, ca, expiresAt }: MintRequest): Promise<Join> {
  const [id, secret] = [randomText(6), randomText(16)]
  const description = 'lmrun: VMs launched by hand join with it'
  const body = tokenSecret({ id, secret, expiresAt, description, labels: {} })
  const path = `/api/v1/namespaces/${TOKEN_NAMESPACE}/secrets/${tokenSecretName(id)}`
  await kube.apply(path, body, MANAGER.guard)
  const token = `K10${hashOfCa(ca)}::${id}.${secret}`
  return { version: 1, main, token, expiresAt, launch: null, labels: {} }
}

function randomText(length: number): string {
  return Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'.charAt(randomInt(36))).join('')
}
