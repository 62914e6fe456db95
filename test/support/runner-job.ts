/** What the runner prepares for a job: folders, the event, the variables. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'

export interface RunnerEvent {
  readonly name: string
  readonly payload: unknown
  readonly repository: string
  readonly sha: string
}

export interface JobOptions {
  /** The folder that holds action.yml and dist/. */
  readonly action: string
  /** A folder for the workspace, the event and the runner's files. */
  readonly folder: string
  readonly inputs: Readonly<Record<string, string>>
  readonly event: RunnerEvent
  readonly apiUrl: string
  readonly token: string
  /** Variables of the job, as `env:` sets them. */
  readonly env?: Readonly<Record<string, string>>
  /** Other secrets that the runner knows and masks. */
  readonly secrets?: readonly string[]
}

export interface JobContext {
  readonly action: string
  readonly folder: string
  readonly workspace: string
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
}

export async function prepareJob(options: JobOptions, trackingId: string): Promise<JobContext> {
  const { action, folder, event, token, apiUrl } = options
  const workspace = path.join(folder, 'workspace')
  const temp = path.join(folder, '_temp')
  await mkdir(workspace, { recursive: true })
  await mkdir(temp, { recursive: true })
  const eventFile = path.join(folder, 'event.json')
  await writeFile(eventFile, JSON.stringify(event.payload))
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: '__self',
    GITHUB_API_URL: apiUrl,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: event.repository,
    GITHUB_EVENT_NAME: event.name,
    GITHUB_EVENT_PATH: eventFile,
    GITHUB_SHA: event.sha,
    GITHUB_REF: 'refs/pull/7/merge',
    GITHUB_WORKFLOW: 'bench',
    GITHUB_JOB: 'bench',
    GITHUB_RUN_ID: '4242',
    GITHUB_RUN_NUMBER: '1',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_WORKSPACE: workspace,
    RUNNER_OS: 'Linux',
    RUNNER_ARCH: 'X64',
    RUNNER_NAME: 'simulated',
    RUNNER_TEMP: temp,
    RUNNER_TRACKING_ID: trackingId,
    ...options.env,
    ...(await inputVariables(action, options.inputs, token)),
  }
  return { action, folder, workspace, env, secrets: [token, ...(options.secrets ?? [])] }
}

/** Defaults of action.yml under what `with:` gives; unknown names are only warned about, as on GitHub. */
async function inputVariables(action: string, given: Readonly<Record<string, string>>, token: string) {
  const { inputs } = parse(await readFile(path.join(action, 'action.yml'), 'utf8')) as {
    inputs: Record<string, { default?: string }>
  }
  const defaults = Object.entries(inputs).map(
    ([name, { default: value = '' }]) => [name, String(value)] as const,
  )
  const values = Object.fromEntries(
    defaults.map(([name, value]) => [name, value.replace(/\$\{\{ *github\.token *\}\}/, token)]),
  )
  return Object.fromEntries(
    Object.entries({ ...values, ...given }).map(([name, value]) => [
      `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`,
      value,
    ]),
  )
}
