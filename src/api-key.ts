import { randomBytes } from 'node:crypto'
import type { Inputs } from './inputs.ts'
import { fleetKind } from './options.ts'

/** The secret that model servers read their key from: vLLM's own name for it. */
export const SERVER_KEY = 'VLLM_API_KEY'

/**
 * What the servers of a run let nobody in without: the user's own (the secret VLLM_API_KEY), else one made for this
 * run, which is nowhere written. None on this machine, where nobody else reaches them.
 */
export function runApiKey({ options, secrets }: Inputs): string | undefined {
  if (fleetKind(options) === 'local') return undefined
  return secrets[SERVER_KEY] ?? randomBytes(24).toString('base64url')
}
