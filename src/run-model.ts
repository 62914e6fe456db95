import { explain } from './errors.ts'
import type { Job } from './fleet/fleet.ts'
import { failIfEnded, JobFailed, whileRunning } from './jobs.ts'
import { inLogs } from './output.ts'
import type { PlannedModel } from './plan.ts'
import { type ModelOutcome, toFailure } from './results.ts'
import type { Client } from './run-client.ts'
import type { RunContext } from './run-context.ts'
import { keepLog, runStep } from './run-step.ts'
import { Tries } from './run-tries.ts'
import { within } from './waiting.ts'

/** Milliseconds by which the last look at a server's log is ahead of its end. */
const HEAD_START_MS = 250

/** One model, from launch to grades. Its failure is its own: the other models go on. */
export async function runModel(
  model: PlannedModel,
  client: Client,
  context: RunContext,
): Promise<ModelOutcome> {
  try {
    await complete(model, client, context)
    await grade(model, client, context)
    return { model, failure: null }
  } catch (error) {
    return { model, failure: toFailure(error) }
  }
}

/** Launches servers, one after the other is lost, until the answers are complete: each goes on where they end. */
async function complete(model: PlannedModel, client: Client, context: RunContext): Promise<void> {
  const tries = new Tries({ subject: model.key, role: 'server', request: model.server }, context)
  for (;;) {
    try {
      return await serve(model, { tries, client, context })
    } catch (error) {
      await tries.recover(error)
    }
  }
}

interface Serving {
  readonly tries: Tries
  readonly client: Client
  readonly context: RunContext
}

/** One server, from launch until it has answered all that was missing. */
async function serve(model: PlannedModel, { tries, client, context }: Serving): Promise<void> {
  const { story, mesh, aside, signal } = context
  const { key } = model
  let server: Job | null = null
  try {
    const job = await story.phase(key, 'launch', () => tries.launch())
    server = job
    const [address] = await Promise.all([
      story.phase(key, 'load', () => load(model, job, context)),
      client.ready(),
      mesh.admit(job.vm),
    ])
    await story.phase(key, 'answer', () => answer({ model, server: job, address }, client, context))
  } catch (error) {
    // When the whole run ends, its teardown decides what becomes of a server that works.
    if (!signal.aborted) aside.release(release(model, { server, works: false }, context))
    throw error
  }
  // It goes the moment its model's answers are complete: a GPU is billed until then.
  aside.release(release(model, { server, works: true }, context))
  await client.save(model)
}

/** @returns the address of the service */
async function load(model: PlannedModel, server: Job, context: RunContext): Promise<string> {
  const { fleet, mesh, vms, signal, inputs, aside } = context
  const { service } = model
  const deadlineMs = inputs.options.maxMinutes * 60_000
  const address = await whileRunning(fleet, server, serverOf(model), signal, async alive => {
    const [at] = await Promise.all([
      mesh.address(service),
      mesh.waitUntilReady(service, { signal: alive, deadlineMs }),
    ])
    return at
  })
  vms.ready(service.name)
  aside.file(keepServed(model, context))
  return address
}

async function keepServed({ service: { name } }: PlannedModel, context: RunContext): Promise<void> {
  const { fleet, inputs, story } = context
  const file = inLogs(inputs.options.outputDirectory, `${name}.served.json`)
  try {
    await fleet.fetch(name, 'served.json', file)
  } catch (error) {
    story.warn(`${name} could not be asked what it serves: ${explain(error)}`)
  }
}

interface Served {
  readonly model: PlannedModel
  readonly server: Job
  readonly address: string
}

/** The client asks; when the server ends meanwhile there is no point in asking on. */
async function answer({ model, server, address }: Served, client: Client, context: RunContext) {
  const { fleet, signal } = context
  const name = serverOf(model)
  try {
    await whileRunning(fleet, server, name, signal, alive =>
      client.answering(() => runStep({ name: 'answer', model, address, signal: alive }, context)),
    )
  } catch (error) {
    // The client may be the first to notice that the server is gone.
    if (error instanceof JobFailed && !signal.aborted) await failIfEnded(fleet, server, name)
    throw error
  }
}

function grade(model: PlannedModel, client: Client, context: RunContext): Promise<void> {
  const { story, grading, signal } = context
  const step = { name: 'grade', model, address: '', signal } as const
  return grading(() => story.phase(model.key, 'grade', () => client.use(() => runStep(step, context))))
}

/** Keeps the server's log and lets it go. When the run is cancelled nobody waits for a log. Never rejects. */
async function release(
  model: PlannedModel,
  { server, works }: { readonly server: Job | null; readonly works: boolean },
  context: RunContext,
): Promise<void> {
  const { mesh, vms, story, clock, cancelled } = context
  const { name } = model.service
  const log = server ? keepLog(server, name, context) : Promise.resolve()
  try {
    await story.phase(model.key, 'release', async () => {
      await within(log, { clock, ms: HEAD_START_MS, signal: cancelled })
      // One that is kept warm serves on in the mesh.
      const left = works && model.server.reuse ? [] : [mesh.leave(model.service)]
      await Promise.all([works ? vms.release(name) : vms.end(name), ...left, log])
    })
  } catch (error) {
    story.warn(`${name} could not be released: ${explain(error)}`)
  }
}

function serverOf({ key }: PlannedModel): string {
  return `the model server of ${key}`
}
