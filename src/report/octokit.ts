/**
 * The GitHub client. Heavy: reached only through `await import('./octokit.ts')`, so that nobody who does not
 * talk to GitHub pays for loading it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { defaults, GitHub, getOctokitOptions } from '@actions/github/lib/utils'
import { retry } from '@octokit/plugin-retry'
import { throttling } from '@octokit/plugin-throttling'
import type { ClientOptions } from './github.ts'

const Client = GitHub.plugin(retry, throttling)

export type Octokit = InstanceType<typeof Client>

/** Requests of this many tries are given up, whatever GitHub asks us to wait. */
const LIMIT_RETRIES = 4

/** What the throttling plugin tells of a refused request. */
interface Refused {
  readonly method: string
  readonly url: string
}

/**
 * A client whose every wait ends with `signal`: 5xx and network errors are tried again by the retry plugin
 * (0.25, 1, 2.25, 4 s), rate limits by the throttling plugin after the time that GitHub names.
 */
export function createOctokit({ access, signal, deadline, log }: ClientOptions): Octokit {
  const logger = { debug: () => {}, info: () => {}, warn: log, error: log }
  // The plugin's own wait cannot be aborted, so we wait in its callback and tell it to wait no longer.
  const onLimit = async (seconds: number, request: Refused, _octokit: unknown, retryCount: number) => {
    if (retryCount >= LIMIT_RETRIES || Date.now() + seconds * 1000 > deadline) return false
    log(`GitHub limits our rate: ${request.method} ${request.url} is tried again in ${seconds} s`)
    return sleep(seconds * 1000, true, { signal }).catch(() => false)
  }
  return new Client(
    getOctokitOptions(access.token, {
      baseUrl: access.apiUrl,
      log: logger,
      // @actions/github's own request defaults carry the proxy of the runner.
      request: { ...defaults.request, signal, log: logger },
      // 429 is left to the throttling plugin, which waits as long as GitHub says.
      retry: {
        retries: 4,
        retryAfterBaseValue: 250,
        doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451],
      },
      throttle: {
        id: crypto.randomUUID(),
        retryAfterBaseValue: 0,
        onRateLimit: onLimit,
        onSecondaryRateLimit: onLimit,
      },
    }),
  )
}
