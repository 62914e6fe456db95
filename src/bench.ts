import pLimit from 'p-limit'
import { check } from './check.ts'
import { explain } from './errors.ts'
import { RunVms } from './fleet/run-vms.ts'
import type { Inputs } from './inputs.ts'
import { prepareOutput } from './output.ts'
import { createPlan } from './plan.ts'
import type { Results } from './report/results.ts'
import { collectResults, draftResults, type ModelOutcome, runEnd } from './results.ts'
import { Client } from './run-client.ts'
import { Aside, type BenchDeps, type RunContext } from './run-context.ts'
import { runModel } from './run-model.ts'
import { Story } from './story.ts'
import { within } from './waiting.ts'

export type { BenchDeps } from './run-context.ts'

/** Milliseconds for prices that are still asked for when all else is done. */
const PRICES_MS = 15_000
/** Milliseconds for taking what is of the run out of its mesh. */
const MESH_MS = 15_000

/**
 * The story of a run. Rejects with an InputError before anything is launched or written; after that every failure
 * is part of the results, and every VM has been told to go.
 */
export async function bench(inputs: Inputs, deps: BenchDeps): Promise<Results> {
  const { options, secrets } = inputs
  const { clock, run, apiKey } = deps
  const story = new Story(deps.progress, clock)
  const plan = createPlan(options, { secrets, run, now: clock.now(), ...(apiKey ? { apiKey } : {}) })
  const questions = await story.phase('run', 'check', () => check(options, plan, { ...deps, story }))
  const draft = draftResults(options, plan, run, { questions, now: clock.now() })
  deps.saveDraft(draft)
  await prepareOutput(options.outputDirectory, draft)

  const { leaseMinutes } = options
  const vms = new RunVms(deps.fleet, { clock, leaseMinutes, save: deps.saveVms, warn: story.warn })
  const limit = clock.timeout(options.maxMinutes * 60_000)
  const cancelled = deps.signal
  const signal = AbortSignal.any([cancelled, limit])
  const shared = { inputs, plan, story, vms, retries: [], aside: new Aside(), grading: pLimit(1) }
  const parts = { ...deps, ...shared, signal, cancelled }
  const mesh = deps.openMesh(parts)
  const context: RunContext = { ...parts, mesh }
  try {
    const outcomes = await runModels(context)
    await story.phase('run', 'teardown', () => vms.endAll())
    await context.aside.releases()
    await within(vms.priced(), { clock, ms: PRICES_MS, signal: cancelled })
    const end = runEnd(outcomes, { cancelled, limit, maxMinutes: options.maxMinutes })
    const { retries } = context
    return await collectResults({ options, draft, story, vms: vms.endings(), retries, outcomes, end, clock })
  } finally {
    await vms.endAll()
    await leaveMesh(context)
  }
}

/** After the VMs are told to go; nobody waits for it for long. Never rejects. */
async function leaveMesh({ mesh, vms, story, clock, cancelled }: RunContext): Promise<void> {
  const left = mesh
    .close(vms.endings().flatMap(({ name, kept }) => (kept ? [] : [name])))
    .catch(error => story.warn(`the mesh could not be left in order: ${explain(error)}`))
  await within(left, { clock, ms: MESH_MS, signal: cancelled })
}

async function runModels(context: RunContext): Promise<readonly ModelOutcome[]> {
  const client = new Client(context)
  const outcomes = await Promise.all(context.plan.models.map(model => runModel(model, client, context)))
  if (!context.cancelled.aborted) {
    await Promise.all([client.fetchAll(), context.aside.files()])
  }
  return outcomes
}
