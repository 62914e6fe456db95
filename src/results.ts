import { cpus, release as osRelease, type as osType, totalmem } from 'node:os'
import { z } from 'zod'
import type { QuestionSet } from './check.ts'
import type { Clock } from './clock.ts'
import { runCost, vmRecord } from './cost.ts'
import { packageVersion } from './env.ts'
import { isAbort, LmrunError } from './errors.ts'
import { LaunchFailed } from './fleet/failures.ts'
import type { VmEnding } from './fleet/run-vms.ts'
import { JobFailed } from './jobs.ts'
import { readFailedQuestions } from './livebench/failures.ts'
import { readScores } from './livebench/scores.ts'
import { readSpeed } from './livebench/speed.ts'
import type { ModelScores } from './livebench/types.ts'
import { type BenchOptions, isHub, questionFilter } from './options.ts'
import { inLogs, readJson } from './output.ts'
import type { Plan, PlannedModel } from './plan.ts'
import { NOT_FINISHED } from './report/digest.ts'
import type { Failure, ModelResult, Results, Retry, Speed } from './report/results.ts'
import { servedSchema } from './report/schema.ts'
import type { Run } from './run.ts'
import type { Story } from './story.ts'

/** Shown of each model. */
const FAILED_QUESTIONS = 20

export interface ModelOutcome {
  readonly model: PlannedModel
  readonly failure: Failure | null
}

export interface RunEnd {
  readonly status: Results['run']['status']
  readonly failure: Failure | null
}

/**
 * What can be said of a run before it has done anything: saved first, so that whoever cleans up after a killed
 * process can still report what was running.
 */
export function draftResults(
  options: BenchOptions,
  plan: Plan,
  run: Run,
  { questions, now }: { readonly questions: QuestionSet | null; readonly now: number },
): Results {
  const { repository, sha, url, id } = run
  const models = plan.models.map(model => [
    model.key,
    { ...identity(model), ...noResult, failure: NOT_FINISHED },
  ])
  return {
    schema: 'lmrun.results/v1',
    run: {
      id,
      status: 'cancelled',
      startedAt: now,
      endedAt: now,
      infra: options.infra.join(' '),
      ...(repository ? { repository } : {}),
      ...(sha ? { sha } : {}),
      ...(url ? { url } : {}),
      lmrun: packageVersion(),
    },
    benchmark: {
      name: options.benchmark.join(' '),
      release: options.release ?? null,
      questions: options.questions,
      questionCount: questions?.count ?? 0,
      questionsSha256: questions?.sha256 ?? '',
      parallel: options.parallel,
      maxTokens: options.maxTokens,
    },
    hardware: hardware(),
    models: Object.fromEntries(models),
    phases: [],
    vms: [],
    warnings: [],
    failure: { what: 'the run was ended before it was complete' },
  }
}

export interface Collected {
  readonly options: BenchOptions
  readonly draft: Results
  readonly story: Story
  readonly vms: readonly VmEnding[]
  readonly retries: readonly Retry[]
  readonly outcomes: readonly ModelOutcome[]
  readonly end: RunEnd
  readonly clock: Clock
}

/** Reads what the run left in its output folder, and puts it together with the story. */
export async function collectResults({
  options,
  draft,
  story,
  vms,
  retries,
  outcomes,
  end,
  clock,
}: Collected): Promise<Results> {
  const { scores, asked } = await readAll(options, story)
  const models = await Promise.all(
    outcomes.map(async outcome => [outcome.model.key, await modelResult(outcome, scores, options)] as const),
  )
  const note = await gradeNote(options.outputDirectory)
  const now = clock.now()
  const records = vms.map(vm => vmRecord(vm, now))
  const cost = runCost(records)
  return {
    ...draft,
    run: { ...draft.run, status: end.status, startedAt: story.startedAt, endedAt: now },
    benchmark: {
      ...draft.benchmark,
      ...(isHub(options) && asked ? { questionCount: asked.count, questionsSha256: asked.sha256 } : {}),
      unverifiedTasks: note.unverified,
    },
    models: Object.fromEntries(models),
    phases: story.phases,
    vms: records,
    ...(retries.length > 0 ? { retries } : {}),
    ...(cost ? { cost } : {}),
    warnings: [...story.warnings, ...note.warnings],
    failure: end.failure,
  }
}

/** How the whole run ended; a failure of one model alone is told there. */
export function runEnd(
  outcomes: readonly ModelOutcome[],
  { cancelled, limit, maxMinutes }: { cancelled: AbortSignal; limit: AbortSignal; maxMinutes: number },
): RunEnd {
  if (cancelled.aborted) return { status: 'cancelled', failure: { what: 'the run was cancelled' } }
  if (!outcomes.some(outcome => outcome.failure)) return { status: 'completed', failure: null }
  if (!limit.aborted) return { status: 'failed', failure: null }
  const what = `the run reached its limit of ${maxMinutes} minutes`
  return {
    status: 'failed',
    failure: { what, hint: 'Give it more time with max-minutes, or ask fewer questions.' },
  }
}

export function toFailure(error: unknown): Failure {
  if (isAbort(error)) return NOT_FINISHED
  const what = error instanceof Error ? error.message : String(error)
  const hint = error instanceof LmrunError && error.hint ? { hint: error.hint } : {}
  const told = withLog(error)
  if (!told) return { what, ...hint }
  const diagnosis = told instanceof JobFailed ? told.diagnosis : null
  return { what, ...hint, ...(diagnosis ? { cause: diagnosis.cause } : {}), log: told.log }
}

/** The error that has a log: this one, or what it was caused by. */
function withLog(error: unknown): JobFailed | LaunchFailed | null {
  if (error instanceof JobFailed || error instanceof LaunchFailed) return error
  return error instanceof Error && error.cause !== undefined ? withLog(error.cause) : null
}

/** Nothing went wrong: every model has a valid score and no VM is left. */
export function isGood({ run, models, vms }: Results): boolean {
  const valid = Object.values(models).every(model => model.failure === null && model.scores?.valid === true)
  return run.status === 'completed' && valid && vms.every(vm => vm.goneAt !== null || vm.kept === true)
}

const noResult = { scores: null, speed: null, failedQuestions: [] } as const

function identity({ options, service }: PlannedModel): Pick<ModelResult, 'model' | 'revision' | 'vm'> {
  const { model, revision } = options
  return { model, vm: service.name, ...(revision === undefined ? {} : { revision }) }
}

interface Fetched {
  readonly scores: ReadonlyMap<string, ModelScores>
  /** The questions as the client had them. */
  readonly asked: QuestionSet | null
}

async function readAll(options: BenchOptions, story: Story): Promise<Fetched> {
  const models = Object.keys(options.models).map(key => key.toLowerCase())
  try {
    const report = await readScores(options.outputDirectory, {
      ...questionFilter(options),
      models,
      allowedErrors: options.allowErrors,
    })
    report.warnings.forEach(story.warn)
    const { expected, sha256 } = report.questions
    return {
      scores: new Map(Object.entries(report.scores.models)),
      asked: { count: expected, sha256: sha256() },
    }
  } catch (error) {
    // Without answers there is nothing to read, and each model's failure says why.
    if (!(error instanceof LmrunError)) throw error
    return { scores: new Map(), asked: null }
  }
}

async function modelResult(
  { model, failure }: ModelOutcome,
  allScores: ReadonlyMap<string, ModelScores>,
  options: BenchOptions,
): Promise<ModelResult> {
  const { outputDirectory } = options
  const name = model.key.toLowerCase()
  const served = servedSchema.safeParse(
    await readJson(inLogs(outputDirectory, `${model.service.name}.served.json`)),
  )
  const result = { ...identity(model), ...(served.success ? { served: served.data } : {}), failure }
  const scores = allScores.get(name)
  // A model that never got to answer is told by its failure, not by a list of all questions as missing.
  if (!scores || (failure && scores.average === null)) return { ...result, ...noResult }
  return {
    ...result,
    scores,
    speed: await speedOf(outputDirectory, name),
    failedQuestions: await readFailedQuestions(outputDirectory, name, {
      ...questionFilter(options),
      limit: FAILED_QUESTIONS,
    }),
  }
}

const answerNoteSchema = z.object({ throughput: z.number().min(0) })

async function speedOf(folder: string, model: string): Promise<Speed | null> {
  const speed = await readSpeed(folder, model)
  const note = answerNoteSchema.safeParse(await readJson(inLogs(folder, `answer-${model}.json`)))
  return speed && note.success ? { ...speed, throughput: note.data.throughput } : null
}

const gradeNoteSchema = z.object({ warnings: z.array(z.string()), unverified: z.array(z.string()) })

/** What grading had to say of itself. */
async function gradeNote(folder: string): Promise<z.infer<typeof gradeNoteSchema>> {
  const note = gradeNoteSchema.safeParse(await readJson(inLogs(folder, 'grade.json')))
  return note.success ? note.data : { warnings: [], unverified: [] }
}

function hardware(): Results['hardware'] {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    os: `${osType()} ${osRelease()}`,
  }
}
