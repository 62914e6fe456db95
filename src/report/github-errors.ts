/** What GitHub refused, as a sentence that names the likely cause and what to change. Pure. */
import { explain, isAbort } from '../errors.ts'

/** What we read of an octokit RequestError, which is not loaded here. */
export interface ApiError {
  readonly status: number
  readonly message: string
  readonly request: { readonly method: string; readonly url: string }
  readonly response?: { readonly headers: Readonly<Record<string, string | number | undefined>> }
}

export function isApiError(error: unknown): error is Error & ApiError {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && 'request' in error
}

/** Milliseconds that the reply asks us to wait, 0 when it names none. */
export function retryAfterMs(error: ApiError): number {
  const seconds = Number(error.response?.headers['retry-after'])
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0
}

export interface RefusedWork {
  /** What did not happen: `the comment on o/r#7 could not be posted`. */
  readonly what: string
  /** The permission that it needs, as a workflow writes it. */
  readonly permission: string
}

/** One line for a warning: what failed, what GitHub said, what to do. */
export function explainGitHub(error: unknown, { what, permission }: RefusedWork): string {
  if (isAbort(error))
    return `${what}: ${isTimeout(error) ? 'GitHub did not answer in time' : 'the run was cancelled'}.`
  if (!isApiError(error)) return `${what}: ${explain(error)}`
  return `${what}: GitHub said ${error.status}, “${firstLine(error.message)}”. ${advice(error, permission)}`
}

function advice(error: ApiError, permission: string): string {
  const { status, message } = error
  if (/\block/i.test(message)) return 'The conversation is locked: unlock it, or set `comment: never`.'
  if (isRateLimit(error) || status === 429)
    return 'The rate limit was not lifted in time: run again later, or less often.'
  if (/too long/i.test(message)) return 'The full report is among the files of the run.'
  if (status >= 500) return 'It was tried again without success: see https://www.githubstatus.com.'
  return ADVICE[status]?.(permission) ?? 'The run itself is not affected.'
}

const ADVICE: Readonly<Record<number, (permission: string) => string>> = {
  401: () => 'The token is not valid (any more): pass a valid `github-token`.',
  403: permission =>
    `The token may not do this: add \`permissions: ${permission}\` to the job. ` +
    'A pull request from a fork gets a read-only token whatever the workflow asks for: ' +
    'its results are in the job summary and the artifact.',
  404: permission =>
    `It is not there, or the token cannot see it: check the repository and add \`permissions: ${permission}\` to the job.`,
  410: () => 'Comments are turned off there.',
  422: () => 'GitHub would not take what we sent: please report this.',
}

/** A limit that GitHub calls so: the primary one (nothing remaining) or a secondary one. */
export function isRateLimit({ message, response }: ApiError): boolean {
  return /secondary rate/i.test(message) || response?.headers['x-ratelimit-remaining'] === '0'
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || isTimeout(error.cause))
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]?.slice(0, 300) ?? ''
}
