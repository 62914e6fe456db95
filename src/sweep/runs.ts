import { explain } from '../errors.ts'
import type { OwnerLabels } from '../labels.ts'
import { connect, type GitHubAccess } from '../report/github.ts'
import { explainGitHub, isApiError } from '../report/github-errors.ts'
import type { RunState } from './decide.ts'

/** Asks GitHub which runs are over. Neither call rejects, but on abort: what is not known is never an end. */
export interface Runs {
  state(owner: Pick<OwnerLabels, 'run' | 'attempt'>): Promise<RunState>
  /** Whether any run of the repository is live, this one aside; true when GitHub does not say. */
  anyLive(): Promise<boolean>
}

export interface RunsOptions {
  readonly access: GitHubAccess
  /** `owner/name` */
  readonly repository: string
  /** The sweeper's own run, when it is one. */
  readonly ownRun?: string
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** Longest that a rate limit is waited for. */
const PATIENCE_MS = 5 * 60_000
/** https://docs.github.com/rest/actions/workflow-runs: all that `status` takes and that is no end. */
const LIVE = ['in_progress', 'queued', 'requested', 'waiting', 'pending'] as const

export function createRuns(options: RunsOptions): Runs {
  const { access, repository, ownRun, signal, log } = options
  const [owner = '', repo = ''] = repository.split('/')
  const client = once(() => connect({ access, signal, deadline: Date.now() + PATIENCE_MS, log }))
  const states = new Map<string, Promise<RunState>>()

  async function ask(run: string, attempt: string): Promise<RunState> {
    try {
      const octokit = await client()
      const place = { owner, repo, run_id: Number(run), attempt_number: Number(attempt) }
      const { data } = await octokit.rest.actions.getWorkflowRunAttempt(place)
      if (data.status !== 'completed') return { state: 'live' }
      const endedAt = Date.parse(data.updated_at)
      return Number.isFinite(endedAt)
        ? { state: 'over', endedAt }
        : { state: 'unknown', reason: `it ended at “${data.updated_at}”` }
    } catch (error) {
      signal.throwIfAborted()
      if (isApiError(error) && error.status === 404) return { state: 'unheard' }
      const what = `run ${run} of ${repository} could not be asked for`
      return { state: 'unknown', reason: explainGitHub(error, { what, permission: 'actions: read' }) }
    }
  }

  return {
    state: ({ run, attempt }) => {
      if (run.startsWith('local-')) return Promise.resolve({ state: 'unheard' })
      const key = `${run}/${attempt}`
      const known = states.get(key) ?? ask(run, attempt)
      states.set(key, known)
      return known
    },
    anyLive: once(async () => {
      try {
        const octokit = await client()
        const pages = await Promise.all(
          LIVE.map(status =>
            octokit.rest.actions.listWorkflowRunsForRepo({ owner, repo, status, per_page: 2 }),
          ),
        )
        return pages.some(({ data }) => data.workflow_runs.some(run => String(run.id) !== ownRun))
      } catch (error) {
        signal.throwIfAborted()
        log(`the live runs of ${repository} could not be listed: ${explain(error)}`)
        return true
      }
    }),
  }
}

/** Outside of workflows nobody can be asked: VMs go by their expiry. */
export const noRuns: Runs = {
  state: () => Promise.resolve({ state: 'unheard' }),
  anyLive: () => Promise.resolve(false),
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
