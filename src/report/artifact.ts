/** The run's files as an artifact of the workflow run. */
import { currentEnv, type Env } from '../env.ts'
import { explain } from '../errors.ts'
import { unlessAborted } from '../waiting.ts'

export interface UploadOptions {
  /** Name of the artifact: unique within the workflow run. */
  readonly name: string
  /** Absolute paths. */
  readonly files: readonly string[]
  /** The folder that the paths in the artifact are relative to. */
  readonly root: string
  readonly signal: AbortSignal
  /** Milliseconds; 120,000 when absent. */
  readonly deadlineMs?: number
  readonly env?: Env
}

export type ArtifactOutcome =
  | { readonly uploaded: true; readonly id: number; readonly bytes: number }
  | { readonly uploaded: false; readonly warning: string }

/** Uploads the files. Never throws: a failure is a warning, the files stay where they are. */
export async function uploadArtifact(options: UploadOptions): Promise<ArtifactOutcome> {
  const { name, files, root, deadlineMs = 120_000, env = currentEnv() } = options
  const failed = (reason: string): ArtifactOutcome => ({
    uploaded: false,
    warning: `the artifact ${name} was not uploaded: ${reason} The files are in ${root}.`,
  })
  const missing = ['ACTIONS_RESULTS_URL', 'ACTIONS_RUNTIME_TOKEN'].filter(variable => !env[variable])
  if (missing.length > 0) {
    return failed(`this runner has no artifact service (${missing.join(' and ')} not set).`)
  }
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(deadlineMs)])
  try {
    const { DefaultArtifactClient } = await import('./artifact-client.ts')
    const upload = new DefaultArtifactClient().uploadArtifact(name, [...files], root)
    const { id, size } = await unlessAborted(upload, signal)
    return { uploaded: true, id: id ?? 0, bytes: size ?? 0 }
  } catch (error) {
    return failed(`${explain(error)}. ${advice(explain(error))}`)
  }
}

function advice(message: string): string {
  if (/GHES/.test(message)) return 'GitHub Enterprise Server has no artifact service of version 4.'
  if (/\(409\)/.test(message))
    return 'The workflow run has an artifact of this name already: give each job its own `comment-key`.'
  return ''
}
