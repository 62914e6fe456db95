/** What the run knows of GitHub: its event, its pull request, and how to reach the API. Light to load. */
import { readFile } from 'node:fs/promises'
import type { Env } from '../env.ts'
import { LmrunError } from '../errors.ts'
import { unlessAborted } from '../waiting.ts'
import { explainGitHub } from './github-errors.ts'
import type { Octokit } from './octokit.ts'

/** `owner/name`, split. */
export interface Repository {
  readonly owner: string
  readonly repo: string
}

export interface GitHubAccess {
  readonly token: string
  /** Base URL of the REST API: `https://api.github.com`, `https://<host>/api/v3` on GitHub Enterprise Server. */
  readonly apiUrl: string
}

export interface ClientOptions {
  readonly access: GitHubAccess
  readonly signal: AbortSignal
  /** Unix milliseconds after which no wait for a rate limit is worth starting. */
  readonly deadline: number
  readonly log: (line: string) => void
}

/** The parts of the webhook payload that we read; what GitHub sends holds far more. */
interface Payload {
  readonly pull_request?: { readonly number?: number; readonly head?: { readonly sha?: string } }
  readonly issue?: { readonly number?: number; readonly pull_request?: unknown }
}

/** The event that started the workflow run, as the runner describes it. */
export interface GitHubContext {
  readonly eventName: string
  readonly repository: Repository
  /** The commit under test: a pull request's head, not the merge commit that GITHUB_SHA names there. */
  readonly sha: string
  readonly workflow: string
  readonly apiUrl: string
  /** Page of the workflow run. */
  readonly runUrl: string
  readonly payload: Payload
}

/** When a comment is wanted: on pull-request events, whenever a pull request can be found, or never. */
export type CommentMode = 'auto' | 'always' | 'never'

/** `expected`: the user asked for a comment, so that not finding its place is a failure of the run. */
export type PullRequestOutcome =
  | { readonly found: true; readonly number: number }
  | { readonly found: false; readonly expected: boolean; readonly reason: string }

/** Reads the event from the runner's variables; null outside a workflow. Throws when the event file is unreadable. */
export async function readGitHubContext(env: Env): Promise<GitHubContext | null> {
  const [owner, repo] = (env.GITHUB_REPOSITORY ?? '').split('/')
  if (!owner || !repo) return null
  const payload = await readPayload(env.GITHUB_EVENT_PATH)
  const serverUrl = env.GITHUB_SERVER_URL || 'https://github.com'
  return {
    eventName: env.GITHUB_EVENT_NAME ?? '',
    repository: { owner, repo },
    sha: payload.pull_request?.head?.sha || env.GITHUB_SHA || '',
    workflow: env.GITHUB_WORKFLOW ?? '',
    apiUrl: env.GITHUB_API_URL || 'https://api.github.com',
    runUrl: `${serverUrl}/${owner}/${repo}/actions/runs/${env.GITHUB_RUN_ID ?? ''}`,
    payload,
  }
}

async function readPayload(file: string | undefined): Promise<Payload> {
  if (!file) return {}
  const payload: unknown = JSON.parse(await readFile(file, 'utf8'))
  return typeof payload === 'object' && payload !== null ? payload : {}
}

/** The pull request that the event itself is about, or null. */
export function eventPullRequest({ eventName, payload }: GitHubContext): number | null {
  if (eventName === 'pull_request' || eventName === 'pull_request_target')
    return payload.pull_request?.number ?? null
  if (eventName === 'issue_comment' && payload.issue?.pull_request) return payload.issue.number ?? null
  return null
}

export interface FindOptions {
  readonly context: GitHubContext
  readonly access: GitHubAccess
  readonly mode: CommentMode
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  /** Milliseconds; 60,000 when absent. */
  readonly deadlineMs?: number
}

/** Where the comment goes. Never throws: a failure of the API is a `found: false` that says why. */
export async function findPullRequest(options: FindOptions): Promise<PullRequestOutcome> {
  const { context, mode } = options
  if (mode === 'never') return { found: false, expected: false, reason: 'comment: never' }
  const number = eventPullRequest(context)
  if (number !== null) return { found: true, number }
  if (mode === 'auto') {
    const reason = `the event ${context.eventName || '(none)'} is not about a pull request (comment: auto)`
    return { found: false, expected: false, reason }
  }
  return findByCommit(options)
}

async function findByCommit({
  context,
  access,
  signal,
  log,
  deadlineMs = 60_000,
}: FindOptions): Promise<PullRequestOutcome> {
  const { repository, sha } = context
  const none = (reason: string): PullRequestOutcome => ({ found: false, expected: true, reason })
  if (!sha) return none('there is no commit to look for a pull request with (GITHUB_SHA is empty)')
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)])
  try {
    const client: ClientOptions = { access, signal: bounded, deadline: Date.now() + deadlineMs, log }
    const number = await unlessAborted(openPullRequestOf(client, repository, sha), bounded)
    return number === null
      ? none(`no open pull request of ${repository.owner}/${repository.repo} has ${sha} as its head`)
      : { found: true, number }
  } catch (error) {
    const what = `the pull requests of commit ${sha} in ${repository.owner}/${repository.repo} could not be listed`
    return none(explainGitHub(error, { what, permission: 'pull-requests: read' }))
  }
}

/** The oldest one, so that several runs on one commit choose the same. */
async function openPullRequestOf(
  client: ClientOptions,
  repository: Repository,
  sha: string,
): Promise<number | null> {
  const octokit = await connect(client)
  const pulls = await octokit.paginate(octokit.rest.repos.listPullRequestsAssociatedWithCommit, {
    ...repository,
    commit_sha: sha,
    per_page: 100,
  })
  const numbers = pulls
    .filter(pull => pull.state === 'open' && pull.head.sha === sha)
    .map(pull => pull.number)
  return numbers.length === 0 ? null : Math.min(...numbers)
}

/** The client, loaded at its first use. */
export async function connect(options: ClientOptions): Promise<Octokit> {
  if (options.access.token === '')
    throw new LmrunError('there is no token', { hint: 'Pass one as `github-token`.' })
  const { createOctokit } = await import('./octokit.ts')
  return createOctokit(options)
}
