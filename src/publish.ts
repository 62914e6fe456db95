import { appendFile } from 'node:fs/promises'
import path from 'node:path'
import { error, info, notice, setOutput, warning } from '@actions/core'
import { type CommentResult, commentResults } from './comment-results.ts'
import type { Env } from './env.ts'
import type { BenchOptions } from './options.ts'
import { annotations } from './report/annotations.ts'
import { uploadArtifact } from './report/artifact.ts'
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

const annotate = { error, warning, notice }

/**
 * Brings the results to where the team looks: files, outputs, job summary, annotations, artifact, comment. In this
 * order, so that what may fail comes last and takes nothing with it.
 */
export async function publish(results: Results, deps: PublishDeps): Promise<CommentResult> {
  const { options, env, signal } = deps
  const folder = path.resolve(options.outputDirectory)
  await writeReport(folder, results)
  setOutputs(results, folder)
  const summaryFile = env.GITHUB_STEP_SUMMARY
  if (summaryFile) await appendFile(summaryFile, renderSummary(results))
  for (const { level, title, message } of annotations(results)) annotate[level](message, { title })
  const files = REPORT_FILES.map(name => path.join(folder, name))
  const [artifact, comment] = await Promise.all([
    uploadArtifact({ name: `lmrun-${results.run.id}`, files, root: folder, signal, env }),
    commentResults(results, { ...deps, log: info, warn: warning }),
  ])
  if (!artifact.uploaded) warning(artifact.warning)
  setOutput('comment-url', comment.commentUrl)
  return comment
}

function setOutputs(results: Results, folder: string): void {
  const models = Object.entries(results.models)
  setOutput('results', path.join(folder, 'results.json'))
  setOutput('report', path.join(folder, 'report.md'))
  setOutput(
    'scores',
    Object.fromEntries(models.map(([key, { scores }]) => [key, scores?.valid ? scores.average : null])),
  )
  setOutput('valid', isGood(results))
}
