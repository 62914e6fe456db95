import { InputError, type Problem } from '../../errors.ts'
import { DEFAULT_LIMITS, type Limits } from './client.ts'
import { NO_KEY } from './failure.ts'

/** What to ask, of whom, and where to keep the answers. Checked: made by `answerOptions`. */
export interface AnswerOptions {
  /** The name that the server serves. */
  readonly model: string
  /** The name in the files and the report. */
  readonly displayName: string
  /** Where the OpenAI API begins, without a trailing slash. */
  readonly apiBase: string
  readonly apiKey: string
  readonly benchmarks: readonly string[]
  readonly release?: string
  /** `smoke`, or a folder with live_bench/ or data/live_bench/. */
  readonly questions: string
  /** The folder that gets `data/live_bench/…` and `answer-<display name>.json`. */
  readonly dir: string
  readonly parallel: number
  readonly maxTokens: number
  /** Asks again what ended in an error before. */
  readonly retryFailures: boolean
  readonly limits: Limits
}

/** The same as they come from a command line and the environment. */
export interface RawAnswerOptions {
  readonly model?: string | undefined
  readonly displayName?: string | undefined
  readonly apiBase?: string | undefined
  readonly apiKey?: string | undefined
  readonly benchmarks?: readonly string[] | undefined
  readonly release?: string | undefined
  readonly questions?: string | undefined
  readonly dir?: string | undefined
  readonly parallel?: string | undefined
  readonly maxTokens?: string | undefined
  readonly retryFailures?: boolean | undefined
  readonly limits?: Partial<Limits> | undefined
}

export const ANSWER_DEFAULTS = {
  benchmark: 'live_bench',
  questions: 'smoke',
  parallel: '4',
  maxTokens: '4096',
} as const

/** Checks everything at once; throws an InputError with all that is wrong. */
export function answerOptions(raw: RawAnswerOptions): AnswerOptions {
  const problems: Problem[] = []
  const model = raw.model?.trim() ?? ''
  if (model === '') {
    problems.push({
      where: '--model',
      what: 'missing',
      allowed: 'Give the name that the server lists under /v1/models',
    })
  }
  const displayName = raw.displayName?.trim() || model
  const apiKey = raw.apiKey?.trim() || NO_KEY
  const { release } = raw
  const options: AnswerOptions = {
    model,
    displayName,
    apiBase: (raw.apiBase ?? '').trim().replace(/\/+$/, ''),
    apiKey,
    benchmarks: raw.benchmarks?.length ? raw.benchmarks : [ANSWER_DEFAULTS.benchmark],
    ...(release ? { release } : {}),
    questions: raw.questions || ANSWER_DEFAULTS.questions,
    dir: raw.dir || '.',
    parallel: positiveInteger('--parallel', raw.parallel ?? ANSWER_DEFAULTS.parallel, problems),
    maxTokens: positiveInteger('--max-tokens', raw.maxTokens ?? ANSWER_DEFAULTS.maxTokens, problems),
    retryFailures: raw.retryFailures ?? false,
    limits: { ...DEFAULT_LIMITS, ...raw.limits },
  }
  problems.push(...nameProblems(displayName), ...urlProblems(options.apiBase), ...keyProblems(apiKey))
  if (problems.length > 0) throw new InputError(problems)
  return options
}

function positiveInteger(where: string, value: string, problems: Problem[]): number {
  const number = /^[0-9]{1,9}$/.test(value.trim()) ? Number(value) : 0
  if (number < 1)
    problems.push({ where, what: `"${value}" is no positive whole number`, allowed: 'Give 1 or more' })
  return number
}

/** A display name becomes a file name: `model_answer/<name>.jsonl`. */
function nameProblems(name: string): Problem[] {
  const where = '--model-display-name'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  if (/[/\\\u0000-\u001f\u007f]/.test(name) || name.startsWith('.')) {
    const allowed = 'Give a name without slashes, control characters and a leading dot'
    return [{ where, what: `${JSON.stringify(name)} cannot be a file name`, allowed }]
  }
  const length = Buffer.byteLength(name)
  return length > 200
    ? [{ where, what: `the name has ${length} bytes`, allowed: 'At most 200 fit in a file name' }]
    : []
}

function urlProblems(apiBase: string): Problem[] {
  const where = '--api-base'
  const allowed = 'Give the address where the OpenAI API begins, such as http://127.0.0.1:8000/v1'
  if (apiBase === '') return [{ where, what: 'missing', allowed }]
  if (!URL.canParse(apiBase)) return [{ where, what: `"${apiBase}" is no URL`, allowed }]
  const url = new URL(apiBase)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return [{ where, what: `"${apiBase}" is neither http nor https`, allowed }]
  }
  // Not repeated: it may hold a password, and the address is written to every answer.
  if (url.username || url.password || url.search || url.hash) {
    return [
      {
        where,
        what: 'it has a user, a query or a fragment',
        allowed: 'Give a key by LIVEBENCH_API_KEY instead',
      },
    ]
  }
  return []
}

function keyProblems(key: string): Problem[] {
  if (/^[\x21-\x7e]+$/.test(key)) return []
  const allowed = 'A key is one word of printable ASCII'
  return [
    {
      where: 'LIVEBENCH_API_KEY or OPENAI_API_KEY',
      what: 'it holds a character that no header can',
      allowed,
    },
  ]
}
