import { appendFile } from 'node:fs/promises'
import path from 'node:path'
import * as core from '@actions/core'
import type { Env } from './env.ts'
import type { BenchOptions } from './options.ts'
import { annotations } from './report/annotations.ts'
import { uploadArtifact } from './report/artifact.ts'
import { commentMarker, publishComment } from './report/comment.ts'
import { findPullRequest, readGitHubContext } from './report/github.ts'
import { renderReport } from './report/markdown.ts'
import type { Results } from './report/results.ts'
import { renderSummary } from './report/summary.ts'
import { REPORT_FILES, writeReport } from './report/write.ts'
import { isGood } from './results.ts'

export interface PublishDeps {
  readonly options: BenchOptions
  readonly githubToken: string
  readonly env: Env
  readonly signal: AbortSignal
}

export interface Published {
  /** Page of the comment; empty when there is none. */
  readonly commentUrl: string
  /** Set when the user asked for a comment that could not be posted: the step fails, after everything else is out. */
  readonly failure: string | null
}

/**
 * Brings the results to where the team looks: files, outputs, job summary, annotations, artifact, comment. In this
 * order, so that what may fail comes last and takes nothing with it.
 */
export async function publish(results: Results, deps: PublishDeps): Promise<Published> {
  const { options, env, signal } = deps
  const folder = path.resolve(options.outputDirectory)
  await writeReport(folder, results)
  setOutputs(results, folder)
  const summaryFile = env['GITHUB_STEP_SUMMARY']
  if (summaryFile) await appendFile(summaryFile, renderSummary(results))
  for (const { level, title, message } of annotations(results)) core[level](message, { title })
  const files = REPORT_FILES.map(name => path.join(folder, name))
  const [artifact, comment] = await Promise.all([
    uploadArtifact({ name: `lmrun-${results.run.id}`, files, root: folder, signal, env }),
    postComment(results, deps),
  ])
  if (!artifact.uploaded) core.warning(artifact.warning)
  core.setOutput('comment-url', comment.commentUrl)
  return comment
}

function setOutputs(results: Results, folder: string): void {
  const models = Object.entries(results.models)
  core.setOutput('results', path.join(folder, 'results.json'))
  core.setOutput('report', path.join(folder, 'report.md'))
  core.setOutput(
    'scores',
    Object.fromEntries(models.map(([key, { scores }]) => [key, scores?.valid ? scores.average : null])),
  )
  core.setOutput('valid', isGood(results))
}

async function postComment(
  results: Results,
  { options, githubToken, env, signal }: PublishDeps,
): Promise<Published> {
  const context = await readGitHubContext(env)
  const nowhere = (reason: string, expected: boolean): Published => {
    if (expected) core.warning(reason)
    return { commentUrl: '', failure: expected && options.comment === 'always' ? reason : null }
  }
  if (!context)
    return nowhere('there is no comment: GITHUB_REPOSITORY is not set', options.comment === 'always')
  const access = { token: githubToken, apiUrl: context.apiUrl }
  const shared = { access, signal, log: core.info }
  const place = await findPullRequest({ ...shared, context, mode: options.comment })
  if (!place.found) return nowhere(place.reason, place.expected)
  const outcome = await publishComment({
    ...shared,
    repository: context.repository,
    pullRequest: place.number,
    marker: commentMarker(context.workflow, options.commentKey),
    body: renderReport(results),
  })
  if (!outcome.posted) return nowhere(outcome.warning, true)
  core.info(`Comment ${outcome.action}: ${outcome.url}`)
  return { commentUrl: outcome.url, failure: null }
}
