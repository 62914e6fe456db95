import { hasModelCosts, modelCost } from './costs.ts'
import { entries, type Piece, standing, type Text } from './digest.ts'
import { dollars, duration, rate, score, seconds, whole } from './numbers.ts'
import type { ModelResult, Phase, Results, Speed } from './results.ts'

/** The tables and lists of a report as plain data, for Markdown and HTML alike. */

/** One column of the score table. Later measures (a baseline's difference) are more columns. */
export interface Column {
  readonly title: Piece
  /** The model's value as it is shown. Called for scored models only. */
  readonly value: (model: ModelResult) => string
}

const NONE = '–'

/** Overall, then categories (tasks when there is but one category), then speed where it was measured. */
export function scoreColumns(results: Results): readonly Column[] {
  const scored = scoredModels(results)
  const overall: Column = { title: 'overall', value: model => maybe(model.scores?.average, score) }
  const columns = [overall, ...partColumns(scored)]
  const cost: Column = { title: 'cost', value: model => maybe(modelCost(model, results), dollars) }
  const costs = hasModelCosts(results) ? [cost] : []
  if (!scored.some(model => model.speed)) return [...columns, ...costs]
  return [
    ...columns,
    { title: 'TTFT p50', value: model => maybe(model.speed?.ttft.p50, seconds) },
    { title: 'tokens/s p50', value: model => maybe(model.speed?.tokensPerSecond.p50, rate) },
    ...costs,
  ]
}

export function scoredModels(results: Results): readonly ModelResult[] {
  return entries(results).flatMap(([, model]) => (standing(model, results).kind === 'scored' ? [model] : []))
}

function partColumns(scored: readonly ModelResult[]): readonly Column[] {
  const parts = (of: 'categories' | 'tasks') => {
    const names = new Set(scored.flatMap(model => Object.keys(model.scores?.[of] ?? {})))
    return [...names].sort().map(
      (name): Column => ({
        title: { code: name },
        value: model => maybe(own(model.scores?.[of], name), score),
      }),
    )
  }
  const categories = parts('categories')
  if (categories.length > 1) return categories
  const tasks = parts('tasks')
  return tasks.length > 1 ? tasks : []
}

/** A category may be called `constructor`. */
function own(record: Readonly<Record<string, number>> | undefined, name: string): number | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined
}

function maybe(value: number | null | undefined, write: (value: number) => string): string {
  return value === null || value === undefined ? NONE : write(value)
}

/** Speed, one row a model that answered. */
export const SPEED_COLUMNS: readonly { readonly title: string; readonly value: (speed: Speed) => string }[] =
  [
    { title: 'TTFT p50', value: speed => seconds(speed.ttft.p50) },
    { title: 'TTFT p95', value: speed => seconds(speed.ttft.p95) },
    { title: 'tokens/s p50', value: speed => rate(speed.tokensPerSecond.p50) },
    { title: 'tokens/s p95', value: speed => rate(speed.tokensPerSecond.p95) },
    { title: 'throughput', value: speed => `${rate(speed.throughput)} tokens/s` },
    { title: 'tokens out', value: speed => whole(speed.outputTokens) },
    { title: 'tokens in', value: speed => whole(speed.inputTokens) },
  ]

export const SPEED_EXPLAINED =
  'TTFT is the time to the first token. Tokens/s are those of one answer after its first token; throughput is the output of all answers over the wall time of answering.'

export function modelsWithSpeed(results: Results): readonly (readonly [string, Speed])[] {
  return entries(results).flatMap(([key, { speed }]) => (speed ? [[key, speed] as const] : []))
}

/** One line of what was run. */
export interface Fact {
  readonly label: string
  readonly text: Text
}

const code = (text: string): Piece => ({ code: text })

/** What all models have in common, to the byte. */
export function runFacts({ run, benchmark, hardware }: Results): readonly Fact[] {
  const unverified = benchmark.unverifiedTasks ?? []
  const where = [run.repository, run.sha].filter(part => part !== undefined).join('@')
  return [
    { label: 'Benchmark', text: [code(benchmark.name)] },
    {
      label: 'Release',
      text: [
        benchmark.release === null ? 'the newest: removed questions are left out' : code(benchmark.release),
      ],
    },
    { label: 'Questions', text: [`${whole(benchmark.questionCount)} from `, code(benchmark.questions)] },
    { label: 'Sha256 of their ids', text: [code(benchmark.questionsSha256)] },
    {
      label: 'Requests',
      text: [`${whole(benchmark.parallel)} at a time, at most ${whole(benchmark.maxTokens)} tokens a reply`],
    },
    ...(unverified.length === 0
      ? []
      : [
          {
            label: 'Unverified graders',
            text: [code(unverified.join(', ')), ': not compared with LiveBench’s own'],
          },
        ]),
    {
      label: 'Machine',
      text: [
        code(hardware.cpu),
        `, ${whole(hardware.cores)} cores, ${rate(hardware.memoryGiB)} GiB, `,
        code(hardware.os),
      ],
    },
    { label: 'Infra', text: [code(run.infra)] },
    { label: 'LMRun', text: [code(run.lmrun), ', run ', code(run.id)] },
    ...(where === '' ? [] : [{ label: 'Commit', text: [code(where)] }]),
  ]
}

/** What was asked for and what was served. */
export function modelFacts({ model, revision, served }: ModelResult): readonly Fact[] {
  const asked: Fact = { label: 'Asked for', text: [code(model), ...revisionText(revision)] }
  if (!served) return [asked, { label: 'Served', text: ['unknown: its server did not say'] }]
  const facts: Fact[] = [asked]
  facts.push({
    label: served.standIn ? 'Served by a stand-in' : 'Served',
    text: [code(served.model), ...revisionText(served.revision)],
  })
  if (served.engine !== undefined) facts.push({ label: 'Engine', text: [code(served.engine)] })
  if (served.context !== undefined)
    facts.push({ label: 'Context', text: [`${whole(served.context)} tokens`] })
  if (served.hardware !== undefined) facts.push({ label: 'On', text: [code(served.hardware)] })
  return facts
}

function revisionText(revision: string | undefined): Text {
  return revision === undefined || revision === '' ? [] : [', revision ', code(revision)]
}

/** One subject's phases, in order; times in milliseconds from the start of the run. */
export interface Lane {
  readonly subject: string
  readonly spans: readonly Span[]
}

export interface Span {
  readonly name: Phase['name']
  readonly from: number
  readonly ms: number
  readonly ok: boolean
}

export function timeline({ phases, run }: Results): readonly Lane[] {
  const lanes = new Map<string, Span[]>()
  for (const phase of phases.toSorted((a, b) => a.startedAt - b.startedAt)) {
    const span = {
      name: phase.name,
      from: Math.max(0, phase.startedAt - run.startedAt),
      ms: Math.max(0, phase.endedAt - phase.startedAt),
      ok: phase.ok,
    }
    lanes.set(phase.subject, [...(lanes.get(phase.subject) ?? []), span])
  }
  return [...lanes].map(([subject, spans]) => ({ subject, spans }))
}

/** A span in words: `answer, 41 s`, `load, 3 s, failed`. */
export function spanWords({ name, ms, ok }: Span): string {
  return `${name}, ${duration(ms)}${ok ? '' : ', failed'}`
}
