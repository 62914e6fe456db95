import { z } from 'zod'
import type { ModelScores, QuestionCounts } from '../livebench/types.ts'

/**
 * The document `results.json`: the single source of its types (results.ts) and of its tables in docs/results.md.
 * Additions keep the version; readers ignore what they do not know. Anything else is `lmrun.results/v2`.
 */
export const RESULTS_SCHEMA = 'lmrun.results/v1'

const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.object(shape).readonly()
const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly()
const map = <Value extends z.ZodType>(value: Value) => z.record(z.string(), value).readonly()
const count = () => z.int().min(0)
const time = (what: string) => z.number().describe(`${what}, Unix time in milliseconds`)
const score = () => z.number().describe('0 to 100, unrounded')

/** Distribution of one measure over the answers of a model. */
export const quantilesSchema = object({
  p50: z.number().min(0).describe('median'),
  p95: z.number().min(0).describe('95th percentile'),
})

export const speedSchema = object({
  ttft: quantilesSchema.describe('seconds from request to first token'),
  tokensPerSecond: quantilesSchema.describe('output tokens per second of one answer, after its first token'),
  throughput: z.number().min(0).describe('output tokens of all answers ÷ wall time of the answering phase'),
  outputTokens: count().describe('of all answers'),
  inputTokens: count().describe('of all prompts'),
})

/** What a server said it serves, from the `served.json` of its working folder. */
export const servedSchema = object({
  model: z.string().describe('the weights that are served'),
  revision: z.string().exactOptional().describe('their revision'),
  engine: z.string().exactOptional().describe('the server and its version'),
  context: count().exactOptional().describe('tokens of context of one request'),
  hardware: z.string().exactOptional().describe('what it runs on'),
  standIn: z
    .boolean()
    .exactOptional()
    .describe('true when a small model stands in for the one that was asked for'),
})

/** What failed, why and what to do, as a reader needs it. */
export const failureSchema = object({
  what: z.string().describe('one line: what failed'),
  cause: z.string().exactOptional().describe('the likely cause, in words'),
  hint: z.string().exactOptional().describe('what to do'),
  log: list(z.string()).exactOptional().describe('the last lines of the log that tells'),
})

/** One question that got less than full marks. */
export const failedQuestionSchema = object({
  questionId: z.string().describe("LiveBench's `question_id`"),
  task: z.string().describe('its task'),
  category: z.string().describe('its category'),
  score: z.number().nullable().describe('0 to 1; null when there is none'),
  kind: z
    .enum(['wrong', 'error', 'graderError', 'missing'])
    .describe(
      '`wrong`: less than full marks; `error`: the answer failed; `graderError`: the grader failed; `missing`: no answer or no judgment',
    ),
  prompt: z.string().describe('what was asked'),
  answer: z.string().describe('what the model replied; empty when there is nothing'),
  note: z.string().exactOptional().describe("the error's message, or what the grader said"),
})

export const questionCountsSchema = object({
  expected: count().describe('sum of the counts below'),
  scored: count().describe('answered and graded'),
  errors: count().describe('the answer failed; scores 0'),
  graderErrors: count().describe('the grader failed, which says nothing of the answer'),
  excluded: count().describe('taken out of the scores by the grader (−1)'),
  missing: count().describe('no answer or no judgment'),
}) satisfies z.ZodType<QuestionCounts>

export const modelScoresSchema = object({
  average: score()
    .nullable()
    .describe(
      "LiveBench's own arithmetic over what is there, 0 to 100, unrounded; null when nothing was scored",
    ),
  categories: map(score()).describe('category → score, 0 to 100, unrounded'),
  tasks: map(score()).describe('task → score, 0 to 100, unrounded'),
  questions: questionCountsSchema.describe('disjoint counts that sum to `expected`'),
  valid: z.boolean().describe('false when the score must not be read as one'),
  reasons: list(z.string()).describe('why it is not valid, one sentence each'),
}) satisfies z.ZodType<ModelScores>

export const modelResultSchema = object({
  model: z.string().describe('the model that was asked for'),
  revision: z.string().exactOptional().describe('the revision that was asked for'),
  vm: z.string().describe('VM name of its server'),
  served: servedSchema.exactOptional().describe('what its server said it serves'),
  scores: modelScoresSchema
    .nullable()
    .describe('as `lmrun score --json` gives them; null when there are none'),
  speed: speedSchema.nullable().describe('null when nothing was answered'),
  failure: failureSchema.nullable().describe('what kept it from a score; null when nothing did'),
  failedQuestions: list(failedQuestionSchema).describe(
    'the first questions with less than full marks; failures come before wrong answers',
  ),
})

export const phaseSchema = object({
  subject: z.string().describe('the model key, or `client`, or `run`'),
  name: z
    .enum(['check', 'launch', 'load', 'answer', 'release', 'grade', 'report', 'teardown'])
    .describe('what was done'),
  startedAt: time('start'),
  endedAt: time('end'),
  ok: z.boolean().describe('false when it failed or was cancelled'),
})

export const vmRecordSchema = object({
  name: z.string().describe('VM name'),
  role: z.enum(['server', 'client', 'main']).describe('what it was for'),
  launchedAt: time('launch'),
  goneAt: z
    .number()
    .nullable()
    .describe('when it was seen to be gone, Unix time in milliseconds; null when it was not'),
  command: z
    .string()
    .exactOptional()
    .describe('the exact command that ends it, when it was not seen to be gone, or is kept'),
  kept: z.boolean().exactOptional().describe('true when it is kept warm on purpose, until its lease ends'),
  what: z.string().exactOptional().describe('the machine, e.g. `AWS us-east-1 g6.12xlarge, L4:4`'),
  spot: z.boolean().exactOptional().describe('true for a spot VM'),
  hourly: z.number().min(0).exactOptional().describe('price in USD an hour, as SkyPilot lists it'),
  cost: z
    .number()
    .min(0)
    .exactOptional()
    .describe('USD: `hourly` × the time from launch until it was seen to be gone'),
})

/** One try to have a VM that did not last, and what was made of it. */
export const retrySchema = object({
  subject: z.string().describe('the model key, or `client`'),
  vm: z.string().describe('VM name'),
  at: time('when it failed'),
  kind: z.string().describe('`capacity`, `preemption`, `network`, `lost`, …'),
  reason: z.string().describe('one line: what failed'),
  next: z
    .enum(['again', 'on-demand', 'given-up'])
    .describe('launched again; launched again on demand instead of spot; nothing more was tried'),
})

export const costSchema = object({
  total: z.number().min(0).describe('USD, over the VMs whose price is known'),
  unknown: list(z.string()).describe('VM names whose price is not known'),
})

export const runSchema = object({
  id: z.string().describe('run id'),
  status: z.enum(['completed', 'failed', 'cancelled']).describe('how it ended'),
  startedAt: time('start'),
  endedAt: time('end'),
  infra: z.string().describe('where the VMs ran, e.g. `local`'),
  repository: z.string().exactOptional().describe('`owner/name`'),
  sha: z.string().exactOptional().describe('the commit that was measured'),
  url: z.string().exactOptional().describe('page of the workflow run'),
  lmrun: z.string().describe('version of lmrun'),
})

export const benchmarkSchema = object({
  name: z.string().describe('e.g. `live_bench/coding`; several are separated by a space'),
  release: z.string().nullable().describe('LiveBench release; null when the questions were not filtered'),
  questions: z.string().describe('`smoke`, `hub`, or the folder that the questions came from'),
  questionCount: count().describe('questions asked of each model; 0 while only the hub knows'),
  questionsSha256: z
    .string()
    .describe('sha256 over the sorted question ids, one a line: two runs compare only when it is equal'),
  parallel: count().describe('requests at a time'),
  maxTokens: count().describe('limit of one reply, in tokens'),
  unverifiedTasks: list(z.string())
    .exactOptional()
    .describe("tasks graded by graders that could not be compared with LiveBench's own"),
})

export const hardwareSchema = object({
  cpu: z.string().describe('model of the processor'),
  cores: z.number().min(0).describe('logical cores'),
  memoryGiB: z.number().min(0).describe('memory in GiB'),
  os: z.string().describe('system and kernel'),
})

export const resultsSchema = object({
  schema: z.literal(RESULTS_SCHEMA).describe(`\`${RESULTS_SCHEMA}\``),
  run: runSchema.describe('the run'),
  benchmark: benchmarkSchema.describe('what was asked'),
  hardware: hardwareSchema.describe('the machine of the benchmark client'),
  models: map(modelResultSchema).describe('model key → result, in the order of the inputs'),
  phases: list(phaseSchema).describe('spans of the story of the run'),
  vms: list(vmRecordSchema).describe('every VM that was launched'),
  retries: list(retrySchema)
    .exactOptional()
    .describe('launches that failed and VMs that were lost, in order; absent when there was none'),
  cost: costSchema.exactOptional().describe('what the VMs cost; absent where they cost nothing'),
  warnings: list(z.string()).describe('what a reader must know that is not an error'),
  failure: failureSchema.nullable().describe('what ended the run, when it did not complete'),
})
