import pRetry from 'p-retry'
import { LmrunError } from '../errors.ts'

/** `path`: below the project. Resolves with the JSON of the reply. */
export type GcpRequest = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  signal: AbortSignal,
) => Promise<unknown>

/** What Compute Engine refused. */
export class GcpError extends LmrunError {
  override readonly name = 'GcpError'
  readonly status: number
  readonly limited: boolean

  constructor(method: string, url: string, { status, text }: { status: number; text: string }) {
    super(`${method} ${new URL(url).pathname}: Compute Engine said ${status}: ${firstWords(text)}`)
    this.status = status
    // Its rate limits are 403 as well: https://cloud.google.com/compute/api-quota
    this.limited = status === 429 || (status === 403 && /rateLimitExceeded/i.test(text))
  }
}

interface Call {
  readonly token: () => Promise<string>
  readonly retryMs: number
  readonly signal: AbortSignal
}

/** A request takes two minutes at most where the server itself waits. */
const REQUEST_MS = 150_000

/** One request, tried again while the rate is limited, the server fails or the connection breaks. */
export function gcpRequest(method: string, url: string, { token, retryMs, signal }: Call): Promise<unknown> {
  const once = async () => {
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${await token()}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
    })
    const text = await response.text()
    if (!response.ok) throw new GcpError(method, url, { status: response.status, text })
    return JSON.parse(text)
  }
  return pRetry(once, {
    retries: 5,
    minTimeout: retryMs,
    signal,
    shouldRetry: ({ error }) => !(error instanceof GcpError) || error.limited || error.status >= 500,
  })
}

function firstWords(text: string): string {
  const [, message] = /"message":\s*"([^"]{1,300})/.exec(text) ?? []
  return message ?? (text.slice(0, 200).trim() || 'nothing')
}
