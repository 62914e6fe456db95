import type { Env } from './env.ts'
import type { BenchOptions } from './options.ts'
import { commentMarker, publishComment } from './report/comment.ts'
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

/** Posts the results on the pull request that they are about, as the option `comment` says. Never rejects for GitHub. */
export async function commentResults(results: Results, deps: CommentDeps): Promise<CommentResult> {
  const { options, githubToken, env, signal, log } = deps
  if (options.comment === 'never') return { commentUrl: '', failure: null }
  const context = await readGitHubContext(env)
  if (!context && options.comment === 'auto') return { commentUrl: '', failure: null }
  if (!context) return missing('there is no comment: GITHUB_REPOSITORY is not set', deps)
  const access = { token: githubToken, apiUrl: context.apiUrl }
  const place = await findPullRequest({ access, context, mode: options.comment, signal, log })
  if (!place.found) return missing(place.reason, deps)
  const outcome = await publishComment({
    access,
    signal,
    log,
    repository: context.repository,
    pullRequest: place.number,
    marker: commentMarker(context.workflow, options.commentKey),
    body: renderReport(results),
  })
  if (!outcome.posted) {
    deps.warn(outcome.warning)
    return missing(outcome.warning, deps)
  }
  log(`Comment ${outcome.action}: ${outcome.url}`)
  return { commentUrl: outcome.url, failure: null }
}

/** With `auto` a run without a pull request is as it should be; with `always` it fails, after everything else is out. */
function missing(reason: string, { options, log }: CommentDeps): CommentResult {
  log(reason)
  return { commentUrl: '', failure: options.comment === 'always' ? reason : null }
}
