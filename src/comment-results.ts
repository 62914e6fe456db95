import type { Env } from './env.ts'
import type { BenchOptions } from './options.ts'
import { type CommentOutcome, commentMarker, publishComment } from './report/comment.ts'
import { findPullRequest, readGitHubContext } from './report/github.ts'
import { renderReport } from './report/markdown.ts'
import type { Results } from './report/results.ts'

export interface CommentDeps {
  readonly options: BenchOptions
  readonly githubToken: string
  readonly env: Env
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  readonly warn: (text: string) => void
}

export interface CommentResult {
  /** Page of the comment; empty when there is none. */
  readonly commentUrl: string
  /** Set when the user asked for a comment that could not be posted: the run fails, after everything else is out. */
  readonly failure: string | null
}

/** The place of the run's comment; `reason` is null when nobody expects one. */
type Place =
  | { readonly open: true; readonly write: (body: string, deadlineMs?: number) => Promise<CommentOutcome> }
  | { readonly open: false; readonly reason: string | null }

/** Posts the results on the pull request that they are about, as the option `comment` says. Never rejects for GitHub. */
export async function commentResults(results: Results, deps: CommentDeps): Promise<CommentResult> {
  const { log, warn, options } = deps
  const missing = (reason: string | null, tell: (text: string) => void): CommentResult => {
    if (reason !== null) tell(reason)
    return { commentUrl: '', failure: options.comment === 'always' ? reason : null }
  }
  const place = await openComment(deps)
  if (!place.open) return missing(place.reason, log)
  const outcome = await place.write(renderReport(results))
  if (!outcome.posted) return missing(outcome.warning, warn)
  log(`Comment ${outcome.action}: ${outcome.url}`)
  return { commentUrl: outcome.url, failure: null }
}

/** Finds where the run's comment belongs, as the option `comment` says. */
export async function openComment(deps: CommentDeps): Promise<Place> {
  const { options, githubToken, env, signal, log } = deps
  if (options.comment === 'never') return { open: false, reason: null }
  const context = await readGitHubContext(env)
  if (!context) {
    const isExpected = options.comment === 'always'
    return { open: false, reason: isExpected ? 'there is no comment: GITHUB_REPOSITORY is not set' : null }
  }
  const access = { token: githubToken, apiUrl: context.apiUrl }
  const found = await findPullRequest({ access, context, mode: options.comment, signal, log })
  if (!found.found) return { open: false, reason: found.reason }
  const target = {
    access,
    repository: context.repository,
    pullRequest: found.number,
    marker: commentMarker(context.workflow, options.commentKey),
  }
  return {
    open: true,
    write: (body, deadlineMs = 120_000) => publishComment({ ...target, body, deadlineMs, signal, log }),
  }
}
