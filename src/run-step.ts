import { LmrunError } from './errors.ts'
import type { Fleet, Job } from './fleet/fleet.ts'
import { follow } from './jobs.ts'
import { saveLog } from './output.ts'
import { type PlannedModel, stepEnvs, stepSecrets } from './plan.ts'
import type { RunContext } from './run-context.ts'
import { within } from './waiting.ts'

/** What is kept of a job's log in the output folder. */
const LOG_LINES = 5000
/** Milliseconds for it: a VM that is lost does not answer. */
const LOG_MS = 30_000

export interface Step {
  readonly name: 'answer' | 'grade'
  readonly model: PlannedModel
  /** Of the model's service; "" when it is gone. */
  readonly address: string
  readonly signal: AbortSignal
}

/** One step of the client's template for one model, as a job of its own. */
export async function runStep({ name, model, address, signal }: Step, context: RunContext): Promise<void> {
  const { fleet, plan, story, clock } = context
  const { client } = plan
  const task = {
    template: client.template,
    envs: { ...client.envs, ...stepEnvs(name, model, address) },
    secrets: stepSecrets(name, client, context),
  }
  const job = await capable(fleet)(client.name, task, signal)
  try {
    const onLine = (line: string) => story.update(model.key, line)
    await follow(fleet, job, `${name} of ${model.key}`, { clock, signal, onLine })
  } finally {
    context.aside.file(keepLog(job, `${client.name}.${name}.${model.key}`, context))
  }
}

function capable(fleet: Fleet): NonNullable<Fleet['exec']> {
  if (fleet.exec) return fleet.exec.bind(fleet)
  throw new LmrunError(`infra ${fleet.kind} cannot run the benchmark's steps one after the other`)
}

/** A job's log into the output folder. Never rejects: what a lost VM said is lost with it. */
export async function keepLog(job: Job, name: string, context: RunContext): Promise<void> {
  const { fleet, clock, cancelled, inputs } = context
  if (cancelled.aborted) return
  try {
    const lines = await within(fleet.tailLog(job, LOG_LINES), { clock, ms: LOG_MS, signal: cancelled })
    if (lines) await saveLog(inputs.options.outputDirectory, name, lines)
  } catch {
    // Whoever waits for the job hears of its VM.
  }
}
