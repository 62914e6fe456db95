import type { Completion } from './reply.ts'

/**
 * Whom a failed request concerns, which decides what follows:
 * `attempt` the next one may succeed (retry) · `question` this question will fail again (record it) ·
 * `every` all requests would fail for the same reason (stop).
 */
export type FailureScope = 'attempt' | 'question' | 'every'

interface FailureDetails {
  readonly scope: FailureScope
  readonly cause?: unknown
  readonly status?: number
  /** What the server asked us to wait before the next request. */
  readonly retryAfterMs?: number
  /** Nobody answered at that address. */
  readonly unreachable?: boolean
  /** A kept-alive connection that the server had closed: no sign of trouble, so it costs no retry. */
  readonly stale?: boolean
  /** What came, when it was a whole reply that is no answer. */
  readonly completion?: Completion
}

/** Why a request failed. Its name is what the answer file records as `error`: the names of OpenAI's client. */
export class RequestFailure extends Error {
  override readonly name: string
  readonly details: FailureDetails

  constructor(name: string, message: string, details: FailureDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = name
    this.details = details
  }
}

/** Names of OpenAI's client by status; any other 4xx is an APIStatusError. */
const STATUS: Readonly<Record<number, readonly [name: string, scope: FailureScope]>> = {
  400: ['BadRequestError', 'question'],
  401: ['AuthenticationError', 'every'],
  403: ['PermissionDeniedError', 'every'],
  404: ['NotFoundError', 'every'],
  408: ['APITimeoutError', 'attempt'],
  409: ['ConflictError', 'attempt'],
  422: ['UnprocessableEntityError', 'question'],
  429: ['RateLimitError', 'attempt'],
}

/** vLLM, llama.cpp, SGLang, TGI and OpenAI each say it in their own words. */
const CONTEXT =
  /context[ _-]?(length|size|window)|exceeds?_context|maximum context|input is too long|prompt is too long/i

/** What an HTTP status other than 2xx means. `body` is the reply's text, `key` must not appear in the message. */
export function statusFailure(
  status: number,
  body: string,
  { key, retryAfter }: { key: string; retryAfter?: string | undefined },
) {
  const said = shorten(redact(errorMessage(body), key))
  const retryAfterMs = parseRetryAfter(retryAfter)
  const message = said ? `${status}: ${said}` : `${status} without a message`
  if ((status === 400 || status === 413) && CONTEXT.test(said)) {
    return new RequestFailure('ContextLengthExceededError', message, { scope: 'question', status })
  }
  const [name, scope] = STATUS[status] ?? fallback(status)
  return new RequestFailure(name, message, {
    scope,
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function fallback(status: number): readonly [name: string, scope: FailureScope] {
  return status >= 500 ? ['InternalServerError', 'attempt'] : ['APIStatusError', 'question']
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
/** A wrong certificate or http spoken to an https port does not heal by asking again. */
const TLS = /CERT|SSL|TLS|EPROTO|SIGNATURE/

/** What an error of the connection means. */
export function connectionFailure(error: unknown, { stale = false } = {}): RequestFailure {
  const code = errorCode(error)
  const said = error instanceof Error ? error.message : String(error)
  const message = said.includes(code) ? said : `${code} ${said}`.trim()
  return new RequestFailure('APIConnectionError', shorten(message), {
    scope: TLS.test(code) ? 'every' : 'attempt',
    cause: error,
    unreachable: UNREACHABLE.has(code),
    stale,
  })
}

export function timeoutFailure(what: string, ms: number): RequestFailure {
  return new RequestFailure('APITimeoutError', `${what} for ${ms / 1000} s`, { scope: 'attempt' })
}

/** The stream ended, or turned into nonsense, before the reply was whole. */
export function streamFailure(message: string): RequestFailure {
  return new RequestFailure('APIConnectionError', message, { scope: 'attempt' })
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Milliseconds of a Retry-After header: seconds or an HTTP date (RFC 9110, 10.2.3). */
export function parseRetryAfter(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined || value.trim() === '') return undefined
  const seconds = Number(value)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** The human part of an error body: `{error: {message}}`, `{error}`, `{message}`, `{detail}` or the text itself. */
export function errorMessage(body: string): string {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return body
  }
  return findMessage(parsed) ?? body
}

function findMessage(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return undefined
  const fields = value as Readonly<Record<string, unknown>>
  for (const field of ['error', 'message', 'detail']) {
    const found = findMessage(fields[field])
    if (found) return found
  }
  return undefined
}

/** Servers echo keys in their errors; files and logs must not. */
export function redact(text: string, key: string): string {
  return key === '' || key === NO_KEY ? text : text.replaceAll(key, '***')
}

/** The key that LiveBench sends when there is none. */
export const NO_KEY = 'EMPTY'

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}
