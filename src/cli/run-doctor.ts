import { tmpdir } from 'node:os'
import path from 'node:path'
import { requestsOf } from '../check.ts'
import { systemClock } from '../clock.ts'
import { openCredentials } from '../credentials/credentials.ts'
import { currentEnv, type Env, lmrunHome } from '../env.ts'
import { explain, InputError } from '../errors.ts'
import type { LaunchRequest, Preflight, PreflightCheck } from '../fleet/fleet.ts'
import { type Inputs, loadCliInputs } from '../inputs.ts'
import { fleetKind } from '../options.ts'
import { createPlan, TEARDOWN_MINUTES } from '../plan.ts'
import { createRun } from '../run.ts'
import { type Findings, renderFindings } from './doctor-table.ts'
import type { BenchFlags } from './run-bench.ts'
import { untilSignal } from './shared.ts'

/** @returns the exit code */
export async function runDoctor({ json, ...cli }: BenchFlags): Promise<number> {
  const env = currentEnv()
  const found = await untilSignal(async signal => {
    const { checkMachine } = await import('./machine.ts')
    const inputs = await inputsOrNone({ ...cli, cwd: process.cwd() }, env)
    const [machine, run] = await Promise.all([
      checkMachine(env, signal),
      inputs ? lookAtRun(inputs, env, signal) : NO_RUN,
    ])
    return { machine, ...run }
  })
  const looks = {
    colours: Boolean(process.stdout.isTTY) && !env.NO_COLOR,
    width: process.stdout.columns ?? 100,
  }
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : renderFindings(found, looks))
  return [...found.machine, ...found.checks].some(({ status }) => status === 'failed') ? 1 : 0
}

type Run = Omit<Findings, 'machine'>
const NO_RUN: Run = { checks: [], offers: [], vms: [], minutes: 0 }

/** Null when nothing was said of a run: then only the machine is looked at. */
async function inputsOrNone(cli: Parameters<typeof loadCliInputs>[0], env: Env): Promise<Inputs | null> {
  try {
    return await loadCliInputs(cli, env)
  } catch (error) {
    const nothing = Object.keys(cli.flags).length === 0 && cli.config === undefined
    const onlyModels =
      error instanceof InputError && error.problems.every(({ where }) => where === '--models')
    if (nothing && onlyModels) return null
    throw error
  }
}

async function lookAtRun({ options, secrets }: Inputs, env: Env, signal: AbortSignal): Promise<Run> {
  const plan = createPlan(options, { secrets, run: createRun(env), now: systemClock.now() })
  const requests = requestsOf(plan)
  const minutes = options.maxMinutes + TEARDOWN_MINUTES
  const vms = requests.map(({ name }) => name)
  if (fleetKind(options) === 'local') return { ...NO_RUN, vms, minutes }
  try {
    await using credentials = await openCredentials(options, {
      env,
      clock: systemClock,
      mask: () => {},
      warn: text => void process.stderr.write(`warning: ${text}\n`),
    })
    const found = await lookWithSky(requests, { ...options, minutes }, credentials.env, signal)
    return { ...found, vms, minutes }
  } catch (error) {
    signal.throwIfAborted()
    return { ...NO_RUN, checks: toChecks(error), vms, minutes }
  }
}

interface Wanted {
  readonly infra: readonly string[]
  readonly clientInfra: readonly string[]
  readonly maxHourlyCost?: number
  readonly minutes: number
}

async function lookWithSky(
  requests: readonly LaunchRequest[],
  { infra, clientInfra, ...limits }: Wanted,
  env: Env,
  signal: AbortSignal,
): Promise<Preflight> {
  const [{ findOrInstallSky }, { createSkyCli }, { LogGroups, PLAIN_GROUPS }, { skyRenderer }, look, budget] =
    await Promise.all([
      import('../fleet/sky/install.ts'),
      import('../fleet/sky/cli.ts'),
      import('../fleet/sky/log-groups.ts'),
      import('../fleet/sky/render/render.ts'),
      import('../fleet/sky/preflight/preflight.ts'),
      import('../fleet/sky/preflight/budget.ts'),
    ])
  const log = (line: string) => void process.stderr.write(`${line}\n`)
  const { bin } = await findOrInstallSky({ infra: [...infra, ...clientInfra], env, log, warn: log, signal })
  const cli = createSkyCli({
    bin,
    records: path.join(lmrunHome(env) || tmpdir(), 'doctor'),
    env,
    groups: new LogGroups(log, PLAIN_GROUPS),
  })
  const sharedServer = Boolean(env.SKYPILOT_API_SERVER_ENDPOINT)
  const stop = () => void cli.endAll()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const deps = { cli, renderer: skyRenderer, clock: systemClock, env, sharedServer }
    const found = await look.lookAhead(requests, limits, deps)
    const over = budget.budgetProblems(requests, found.offers, limits.maxHourlyCost)
    return { ...found, checks: [...found.checks, ...over.map(toCheck)] }
  } finally {
    signal.removeEventListener('abort', stop)
    await cli.endAll()
  }
}

function toChecks(error: unknown): readonly PreflightCheck[] {
  if (error instanceof InputError) return error.problems.map(toCheck)
  return [{ what: 'SkyPilot', status: 'failed', detail: explain(error) }]
}

function toCheck({ where, what, allowed }: InputError['problems'][number]): PreflightCheck {
  return { what: where, status: 'failed', detail: what, hint: allowed }
}
