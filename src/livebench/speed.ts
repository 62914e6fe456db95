import { findTaskFolders, modelOf } from './files.ts'
import { LineReader, parseLine } from './lines.ts'
import { textOf } from './python-json.ts'

/** Median and 95th percentile, by linear interpolation. */
export interface SpeedQuantiles {
  readonly p50: number
  readonly p95: number
}

/** How fast a model answered, as its answer files tell. */
export interface AnswerSpeed {
  /** Seconds to first token. */
  readonly ttft: SpeedQuantiles
  /** Output tokens per second of one answer, after its first token. */
  readonly tokensPerSecond: SpeedQuantiles
  readonly outputTokens: number
  readonly inputTokens: number
}

/** Of one answer; a question that was asked again counts once. */
interface Measures {
  readonly ttft: number
  readonly tokensPerSecond: number
  readonly outputTokens: number
  readonly inputTokens: number
}

/**
 * Speed over all answers of a model, or null when its files do not tell: LiveBench itself does not measure it.
 * @param dir holds `data/live_bench` or `live_bench`
 * @param model name of its answer files, in any case
 * @throws InputError for a folder without LiveBench's files
 */
export async function readSpeed(dir: string, model: string): Promise<AnswerSpeed | null> {
  const answers = measures(dir, model)
  const ttfts = sortedMeasured(answers.map(({ ttft }) => ttft))
  const rates = sortedMeasured(answers.map(({ tokensPerSecond }) => tokensPerSecond))
  if (ttfts.length === 0 || rates.length === 0) return null
  return {
    ttft: { p50: quantile(ttfts, 0.5), p95: quantile(ttfts, 0.95) },
    tokensPerSecond: { p50: quantile(rates, 0.5), p95: quantile(rates, 0.95) },
    outputTokens: total(answers.map(({ outputTokens }) => outputTokens)),
    inputTokens: total(answers.map(({ inputTokens }) => inputTokens)),
  }
}

function measures(dir: string, model: string): Measures[] {
  const reader = new LineReader()
  return findTaskFolders(dir).flatMap(folder => {
    const byQuestion = new Map<string, Measures>()
    for (const file of folder.answers) {
      if (modelOf(file).toLowerCase() !== model.toLowerCase()) continue
      reader.read(file, line => {
        const row = parseLine(line)
        const id = textOf(row?.question_id)
        if (row && id) byQuestion.set(id, measuresOf(row))
      })
    }
    return [...byQuestion.values()]
  })
}

function measuresOf(row: Readonly<Record<string, unknown>>): Measures {
  return {
    ttft: measured(row.ttft_s),
    tokensPerSecond: measured(row.tokens_per_second),
    outputTokens: measured(row.total_output_tokens),
    inputTokens: measured(row.total_input_tokens),
  }
}

/** NaN for what was not measured. */
function measured(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : Number.NaN
}

function sortedMeasured(values: readonly number[]): number[] {
  return values.filter(value => !Number.isNaN(value)).sort((a, b) => a - b)
}

function total(values: readonly number[]): number {
  return sortedMeasured(values).reduce((sum, value) => sum + value, 0)
}

/** Of ascending values, at least one. */
function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? below
  return below + (above - below) * (position - Math.floor(position))
}
