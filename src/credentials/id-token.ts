import { z } from 'zod'
import type { Env } from '../env.ts'
import { explain, LmrunError } from '../errors.ts'

/** A token that GitHub signed for this job: `id-token: write` gives the job the right to ask for one. */
export interface IdToken {
  readonly token: string
  /** Unix milliseconds. */
  readonly expiresAt: number
}

const REQUEST_MS = 20_000
const replySchema = z.object({ value: z.string().min(1) })
const claimsSchema = z.object({ exp: z.number() })

export function canAskForIdToken(env: Env): boolean {
  return Boolean(env.ACTIONS_ID_TOKEN_REQUEST_URL && env.ACTIONS_ID_TOKEN_REQUEST_TOKEN)
}

/** @throws LmrunError when GitHub does not give one */
export async function askForIdToken(audience: string, env: Env): Promise<IdToken> {
  try {
    const url = new URL(env.ACTIONS_ID_TOKEN_REQUEST_URL ?? '')
    url.searchParams.set('audience', audience)
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? ''}` },
      signal: AbortSignal.timeout(REQUEST_MS),
    })
    if (!response.ok) throw new Error(`GitHub answered ${response.status}`)
    const { value } = replySchema.parse(await response.json())
    return { token: value, expiresAt: expiryOf(value) }
  } catch (cause) {
    throw new LmrunError(`GitHub gave no id-token for ${audience}: ${explain(cause)}`, {
      hint: 'The job needs `permissions: id-token: write`',
    })
  }
}

/** Of a JSON Web Token, in Unix milliseconds. */
export function expiryOf(token: string): number {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return claimsSchema.parse(JSON.parse(claims)).exp * 1000
}
