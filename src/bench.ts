import pLimit from 'p-limit'
import { check } from './check.ts'
import type { Clock } from './clock.ts'
import { explain, LmrunError } from './errors.ts'
import type { Fleet, Job } from './fleet/fleet.ts'
import { RunVms, type SavedVm } from './fleet/run-vms.ts'
import type { Inputs } from './inputs.ts'
import { follow, whileRunning } from './jobs.ts'
import type { Mesh } from './mesh/mesh.ts'
import { inLogs, prepareOutput, saveLog } from './output.ts'
import { createPlan, type Plan, type PlannedModel, stepEnvs } from './plan.ts'
import type { Progress } from './progress.ts'
import type { Results } from './report/results.ts'
import { collectResults, draftResults, type ModelOutcome, runEnd, toFailure } from './results.ts'
import type { Run } from './run.ts'
import { Story } from './story.ts'

export interface BenchDeps {
  readonly fleet: Fleet
  readonly mesh: Mesh
  readonly run: Run
  readonly clock: Clock
  readonly progress: Progress
  /** Called once, before anything is launched, with what can be reported if this process is killed. */
  readonly saveDraft: (draft: Results) => void
  /** Called with all VMs of the run before each launch: whatever happens next, they can be found and ended. */
  readonly saveVms: (vms: readonly SavedVm[]) => void
  /** Aborted when the run is cancelled. */
  readonly signal: AbortSignal
  /** How an option is called where the user wrote it, for messages. */
  readonly label: (option: string) => string
}

/** What is kept of a job's log in the output folder. */
const LOG_LINES = 5000

interface Context extends BenchDeps {
  /** `signal` also ends at max-minutes; this one only when the run is cancelled, and nobody waits for files then. */
  readonly cancelled: AbortSignal
  readonly inputs: Inputs
  readonly plan: Plan
  readonly story: Story
  readonly vms: RunVms
  /** The client is one VM: answers of several models side by side, grading one at a time. */
  readonly grading: <T>(work: () => Promise<T>) => Promise<T>
}

/**
 * The story of a run. Rejects with an InputError before anything is launched or written; after that every failure
 * is part of the results, and every VM has been told to go.
 */
export async function bench(inputs: Inputs, deps: BenchDeps): Promise<Results> {
  const { options } = inputs
  const { clock } = deps
  const story = new Story(deps.progress, clock)
  const plan = createPlan(options, { secrets: inputs.secrets, run: deps.run, now: clock.now() })
  const questions = await story.phase('run', 'check', () => check(options, plan, deps))
  const draft = draftResults(options, plan, deps.run, { questions, now: clock.now() })
  deps.saveDraft(draft)
  await prepareOutput(options.outputDirectory, draft)

  const { leaseMinutes } = options
  const vms = new RunVms(deps.fleet, { clock, leaseMinutes, save: deps.saveVms, warn: story.warn })
  const limit = clock.timeout(options.maxMinutes * 60_000)
  const signal = AbortSignal.any([deps.signal, limit])
  const context = { ...deps, signal, cancelled: deps.signal, inputs, plan, story, vms, grading: pLimit(1) }
  try {
    const outcomes = await runModels(context)
    await story.phase('run', 'teardown', () => vms.endAll())
    const end = runEnd(outcomes, { cancelled: deps.signal, limit, maxMinutes: options.maxMinutes })
    return await collectResults({
      options,
      draft,
      story,
      vms: vms.endings(),
      outcomes,
      end,
      now: clock.now(),
    })
  } finally {
    await vms.endAll()
  }
}

async function runModels(context: Context): Promise<readonly ModelOutcome[]> {
  const client = launchClient(context)
  // Every model awaits it; this keeps a failure from being unhandled while they still wait for their servers.
  client.catch(() => {})
  const outcomes = await Promise.all(context.plan.models.map(model => runModel(model, client, context)))
  if (!context.cancelled.aborted) await fetchClient(context)
  return outcomes
}

async function launchClient({ fleet, vms, plan, story, signal, clock }: Context): Promise<void> {
  await story.phase('client', 'launch', async () => {
    const job = await vms.launch(plan.client, 'client', signal)
    await follow(fleet, job, 'the benchmark client', { clock, signal })
  })
}

/** One model, from launch to grades. Its failure is its own: the other models go on. */
async function runModel(model: PlannedModel, client: Promise<void>, context: Context): Promise<ModelOutcome> {
  const { story, vms, signal } = context
  const { key } = model
  try {
    const server = await story.phase(key, 'launch', () => vms.launch(model.server, 'server', signal))
    const answered = loadAndAnswer(model, server, client, context)
    // The server goes the moment its model's answers are complete, or will never be: a GPU is billed until then.
    const released = answered.then(ignore, ignore).then(() => release(model, server, context))
    const graded = answered.then(() => grade(model, context))
    const [grades] = await Promise.allSettled([graded, released])
    return { model, failure: grades.status === 'rejected' ? toFailure(grades.reason) : null }
  } catch (error) {
    return { model, failure: toFailure(error) }
  }
}

function ignore(): void {}

async function loadAndAnswer(
  model: PlannedModel,
  server: Job,
  client: Promise<void>,
  context: Context,
): Promise<void> {
  const { story } = context
  await Promise.all([client, story.phase(model.key, 'load', () => load(model, server, context))])
  await story.phase(model.key, 'answer', () => answer(model, server, context))
}

async function grade(model: PlannedModel, context: Context): Promise<void> {
  const { story, grading } = context
  await grading(() => story.phase(model.key, 'grade', () => step('grade', model, context)))
}

/** Keeps the server's log and ends it. When the run is cancelled nobody waits for a log: the teardown ends it. */
async function release(model: PlannedModel, server: Job, context: Context): Promise<void> {
  const { fleet, mesh, vms, story, inputs, cancelled } = context
  const { name } = model.service
  if (cancelled.aborted) return
  try {
    await story.phase(model.key, 'release', async () => {
      await saveLog(inputs.options.outputDirectory, name, await fleet.tailLog(server, LOG_LINES))
      await mesh.leave(model.service)
      await vms.end(name)
    })
  } catch (error) {
    story.warn(`${name} could not be released: ${explain(error)}`)
  }
}

async function load(model: PlannedModel, server: Job, context: Context): Promise<void> {
  const { fleet, mesh, signal, inputs } = context
  const { service } = model
  const deadlineMs = inputs.options.maxMinutes * 60_000
  await whileRunning(fleet, server, `the model server of ${model.key}`, signal, alive =>
    mesh.waitUntilReady(service, { signal: alive, deadlineMs }),
  )
  await fleet.fetch(
    service.name,
    'served.json',
    inLogs(inputs.options.outputDirectory, `${service.name}.served.json`),
  )
}

/** The client asks; when the server ends meanwhile there is no point in asking on. */
async function answer(model: PlannedModel, server: Job, context: Context): Promise<void> {
  const { fleet, signal } = context
  await whileRunning(fleet, server, `the model server of ${model.key}`, signal, alive =>
    step('answer', model, { ...context, signal: alive }),
  )
}

/** One step of the client's template for one model, as a job of its own. */
async function step(name: 'answer' | 'grade', model: PlannedModel, context: Context): Promise<void> {
  const { fleet, mesh, plan, story, signal, inputs, clock } = context
  if (!fleet.exec)
    throw new LmrunError(`infra ${fleet.kind} cannot run the benchmark's steps one after the other`)
  const { client } = plan
  // When its answers are graded the server is gone, and with it its address.
  const address = name === 'answer' ? await mesh.address(model.service) : ''
  const envs = { ...client.envs, ...stepEnvs(name, model, address) }
  // Grading runs model-written code: its job gets no secrets.
  const secrets = name === 'answer' ? client.secrets : {}
  const job = await fleet.exec(client.name, { template: client.template, envs, secrets }, signal)
  try {
    const onLine = (line: string) => story.update(model.key, line)
    await follow(fleet, job, `${name} of ${model.key}`, { clock, signal, onLine })
  } finally {
    if (!context.cancelled.aborted) {
      const lines = await fleet.tailLog(job, LOG_LINES).catch(() => [])
      await saveLog(inputs.options.outputDirectory, `${client.name}.${name}.${model.key}`, lines)
    }
  }
}

/** Answers, judgments and what the steps noted, from the client to the output folder. */
async function fetchClient({ fleet, plan, inputs, story }: Context): Promise<void> {
  const { outputDirectory } = inputs.options
  const notes = plan.models.map(({ key }) => `answer-${key.toLowerCase()}.json`)
  try {
    await fleet.fetch(plan.client.name, 'data', `${outputDirectory}/data`)
    for (const note of [...notes, 'grade.json']) {
      await fleet.fetch(plan.client.name, note, inLogs(outputDirectory, note))
    }
  } catch (error) {
    story.warn(`the client's files could not be fetched: ${(error as Error).message}`)
  }
}
