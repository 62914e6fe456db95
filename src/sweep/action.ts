import * as core from '@actions/core'
import { systemClock } from '../clock.ts'
import { openCredentials } from '../credentials/credentials.ts'
import { currentEnv, type Env } from '../env.ts'
import { LmrunError } from '../errors.ts'
import { kubeconfigSecrets } from '../kubeconfig.ts'
import { parseSweepOptions, type SweepInputs, sweepOptionNames } from './options.ts'
import { createRuns, noRuns } from './runs.ts'
import { createSources } from './sources.ts'
import { countOutcomes, type SweepReport, sweep } from './sweep.ts'
import { markdownTable, terminalTable } from './table.ts'

export interface SweepCall {
  readonly inputs: SweepInputs
  readonly repository: string | null
  readonly githubToken: string
  readonly env: Env
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  readonly warn: (text: string) => void
}

/** What the action and `lmrun sweep` share: the real world around `sweep`. */
export async function runSweep(call: SweepCall): Promise<SweepReport> {
  const { inputs, repository, githubToken, env, signal, log, warn } = call
  // They are for the clouds' own APIs, so a shared API server makes no difference.
  const alone = { ...env, SKYPILOT_API_SERVER_ENDPOINT: undefined }
  const deps = { env: alone, clock: systemClock, mask: core.setSecret, warn }
  await using credentials = await openCredentials(inputs, deps)
  const access = { token: githubToken, apiUrl: env.GITHUB_API_URL || 'https://api.github.com' }
  const ownRun = env.GITHUB_RUN_ID ? { ownRun: env.GITHUB_RUN_ID } : {}
  return await sweep({
    sources: await createSources(inputs, { ...call, cloudEnv: credentials.env }),
    runs: repository === null ? noRuns : createRuns({ access, repository, ...ownRun, signal, log }),
    repository,
    dryRun: inputs.dryRun,
    clock: systemClock,
    signal,
  })
}

/** @throws LmrunError when something was not ended, or not looked at */
export function assertSwept(report: SweepReport): void {
  const { failed } = countOutcomes(report)
  const parts = [
    ...(failed > 0 ? [`${failed} that should have been ended may still be there`] : []),
    ...(report.problems.length > 0
      ? [`not everything could be looked at: ${report.problems.join('; ')}`]
      : []),
  ]
  if (parts.length > 0) throw new LmrunError(`The sweep is not complete: ${parts.join('; ')}.`)
}

/** The action's only step. Rejects when the step should fail. */
export async function runSweepAction(signal: AbortSignal): Promise<void> {
  const env = currentEnv()
  const get = (name: string) => env[`INPUT_${name.toUpperCase()}`]?.trim() ?? ''
  for (const secret of [get('github-token'), ...kubeconfigSecrets(get('kubeconfig'))])
    if (secret) core.setSecret(secret)
  const raw = Object.fromEntries(sweepOptionNames.map(name => [name, get(name)]))
  const inputs = parseSweepOptions(raw, name => `input ${name}`)
  const repository = env.GITHUB_REPOSITORY || null
  const report = await runSweep({
    inputs,
    repository,
    githubToken: get('github-token'),
    env,
    signal,
    log: core.info,
    warn: core.warning,
  })
  core.info(terminalTable(report))
  for (const [name, count] of Object.entries(countOutcomes(report))) core.setOutput(name, count)
  if (env.GITHUB_STEP_SUMMARY) await core.summary.addRaw(markdownTable(report)).write()
  assertSwept(report)
}
