/**
 * One comment a pull request, workflow and key: found by a hidden marker, updated, else created. Never a second one,
 * also when two jobs race or the reply to a create is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pRetry from 'p-retry'
import { unlessAborted } from '../waiting.ts'
import { connect, type GitHubAccess, type Repository } from './github.ts'
import { type ApiError, explainGitHub, isApiError, isRateLimit, retryAfterMs } from './github-errors.ts'
import type { Octokit } from './octokit.ts'

export interface PublishOptions {
  readonly access: GitHubAccess
  readonly repository: Repository
  readonly pullRequest: number
  /** From `commentMarker`. */
  readonly marker: string
  /** Markdown; the marker is put before it when it is not there. */
  readonly body: string
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  /** Milliseconds for all of it, waits for rate limits included; 120,000 when absent. */
  readonly deadlineMs?: number
}

export type CommentOutcome =
  | {
      readonly posted: true
      readonly url: string
      readonly id: number
      readonly action: 'created' | 'updated'
    }
  | { readonly posted: false; readonly warning: string }

/** A comment of ours. */
interface Found {
  readonly id: number
  readonly url: string
}

/** The comments of one pull request that carry our marker. */
interface Thread {
  /** Oldest first. */
  ours(): Promise<readonly Found[]>
  create(body: string): Promise<Found>
  update(id: number, body: string): Promise<void>
  remove(id: number): Promise<void>
}

/** How often a failed create is followed by another look. */
const LOOKS_AGAIN = 4

/**
 * The hidden line by which the comment is found again. Percent-encoding keeps any workflow name or key from closing
 * the HTML comment (`>` and `--` are encoded) and two different pairs from having one marker.
 */
export function commentMarker(workflow: string, key: string): string {
  const encode = (part: string) => encodeURIComponent(part.toWellFormed()).replaceAll('--', '%2D%2D')
  return `<!-- lmrun:${encode(workflow)}:${encode(key)} -->`
}

/** Posts or updates the comment. Never throws: what GitHub refuses becomes a warning that says what to change. */
export async function publishComment(options: PublishOptions): Promise<CommentOutcome> {
  const { repository, pullRequest, marker, body, deadlineMs = 120_000, log } = options
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(deadlineMs)])
  try {
    const octokit = await connect({ access: options.access, signal, deadline: Date.now() + deadlineMs, log })
    const thread = openThread(octokit, options)
    const marked = body.startsWith(marker) ? body : `${marker}\n${body}`
    return await unlessAborted(lookAndAct(thread, marked, { signal, log }), signal)
  } catch (error) {
    const what = `the comment on ${repository.owner}/${repository.repo}#${pullRequest} was not posted`
    return { posted: false, warning: explainGitHub(error, { what, permission: 'pull-requests: write' }) }
  }
}

interface Waiting {
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** A failed create may have been committed, so nothing is created again before another look at what is there. */
function lookAndAct(thread: Thread, body: string, { signal, log }: Waiting): Promise<CommentOutcome> {
  return pRetry(() => settle(thread, body, log), {
    retries: LOOKS_AGAIN,
    minTimeout: 1000,
    maxTimeout: 8000,
    signal,
    shouldRetry: ({ error }) => isApiError(error) && isWorthAnotherLook(error),
    onFailedAttempt: async ({ error, retriesLeft }) => {
      if (retriesLeft === 0 || !isApiError(error) || !isWorthAnotherLook(error)) return
      log(
        `${error.request.method} failed (${error.status}, ${error.message}): looking again before another try`,
      )
      await sleep(retryAfterMs(error), undefined, { signal })
    },
  })
}

/**
 * The client's plugins have tried other requests again and waited for rate limits that GitHub calls so. Left are a
 * failed create, a comment that vanished between look and update, and a 429 that only names a time.
 */
function isWorthAnotherLook(error: ApiError): boolean {
  const { status, request } = error
  if (status === 429) return !isRateLimit(error)
  return request.method === 'PATCH' ? status === 404 : request.method === 'POST' && status >= 500
}

/** One look and what follows from it: the oldest gets the body, younger ones (a race, a lost reply) go. */
async function settle(thread: Thread, body: string, log: (line: string) => void): Promise<CommentOutcome> {
  const before = await thread.ours()
  const created = before.length === 0 ? await thread.create(body) : null
  const all = created === null ? before : mergeFound(created, await rivals(thread, log))
  const [oldest, ...younger] = all
  if (oldest === undefined) throw new Error('a comment that was just created or found is not in the list')
  const isNew = oldest.id === created?.id
  if (!isNew) await thread.update(oldest.id, body)
  for (const { id } of younger) await removeDuplicate(thread, id, log)
  return { posted: true, url: oldest.url, id: oldest.id, action: isNew ? 'created' : 'updated' }
}

/** What is there after our create. It stands even when this look fails; the next run folds a rival then. */
async function rivals(thread: Thread, log: (line: string) => void): Promise<readonly Found[]> {
  try {
    return await thread.ours()
  } catch (error) {
    const what = 'could not look for a second comment'
    log(explainGitHub(error, { what, permission: 'pull-requests: write' }))
    return []
  }
}

/** The list may lag behind our create, so ours is counted whether it is listed or not. */
function mergeFound(created: Found, listed: readonly Found[]): readonly Found[] {
  return [created, ...listed.filter(({ id }) => id !== created.id)].toSorted((a, b) => a.id - b.id)
}

async function removeDuplicate(thread: Thread, id: number, log: (line: string) => void): Promise<void> {
  try {
    await thread.remove(id)
  } catch (error) {
    if (isApiError(error) && error.status === 404) return // a rival folded it first
    const what = `the duplicate comment ${id} was not deleted`
    log(explainGitHub(error, { what, permission: 'pull-requests: write' }))
  }
}

/** The GitHub side of a thread. A create is sent once; everything else is tried again by the client. */
function openThread(octokit: Octokit, { repository, pullRequest, marker, log }: PublishOptions): Thread {
  const { issues } = octokit.rest
  const issue = { ...repository, issue_number: pullRequest }
  let check: Promise<ForeignCheck> | undefined
  return {
    async ours() {
      const comments = await octokit.paginate(issues.listComments, { ...issue, per_page: 100 })
      const marked = comments.filter(comment => comment.body?.startsWith(marker))
      if (marked.length === 0) return []
      check ??= foreignCheck(octokit)
      const isForeign = await check
      const ours = marked.filter(comment => !isForeign(comment.user))
      if (ours.length < marked.length)
        log('a comment of another account carries our marker: it is left alone')
      return ours.map(({ id, html_url }) => ({ id, url: html_url })).toSorted((a, b) => a.id - b.id)
    },
    async create(body) {
      const { data } = await issues.createComment({ ...issue, body, request: { retries: 0 } })
      return { id: data.id, url: data.html_url }
    },
    async update(id, body) {
      await issues.updateComment({ ...repository, comment_id: id, body })
    },
    async remove(id) {
      await issues.deleteComment({ ...repository, comment_id: id })
    },
  }
}

type Author = { readonly login?: string; readonly type?: string } | null | undefined
type ForeignCheck = (author: Author) => boolean

/**
 * Anyone may write our marker into a comment of theirs, which we must not overwrite (they could edit our results) nor
 * delete. A personal token knows its account; an installation token has none (403) and writes as a bot.
 * When neither is known, the marker alone decides.
 */
async function foreignCheck(octokit: Octokit): Promise<ForeignCheck> {
  try {
    const { data } = await octokit.rest.users.getAuthenticated({ request: { retries: 0 } })
    return author => author?.login !== undefined && author.login !== data.login
  } catch (error) {
    if (isApiError(error) && error.status === 403) return author => author?.type === 'User'
    return () => false
  }
}
