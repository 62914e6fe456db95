/**
 * LiveBench's files, as the real LiveBench writes and reads them (relative to `data/`):
 * `live_bench/<category>/<task>/{question.jsonl, model_answer/<model>.jsonl, model_judgment/ground_truth_judgment.jsonl}`.
 * Source: LiveBench at b0fb577be60ea5ba6e3e677a84af127c893af0ef.
 */
export interface Question {
  readonly question_id: string
  readonly category: string
  readonly task: string
  /** The prompts, in order; most questions have one. */
  readonly turns: readonly string[]
  /** ISO dates; a removal date of "" means still live. */
  readonly livebench_release_date?: string
  readonly livebench_removal_date?: string
  readonly ground_truth?: unknown
  readonly subtask?: string
  readonly system_prompt?: string
  // coding: LCB_generation, coding_completion
  readonly question_title?: string
  /** JSON text of `{input, output, testtype: 'functional' | 'stdin'}[]`. */
  readonly public_test_cases?: string
  readonly private_test_cases?: string
  readonly original_json?: {
    readonly metadata?: string
    readonly starter_code?: string
    readonly [key: string]: unknown
  }
  readonly partial_solution?: string
  // coding: code_generation
  readonly tests?: string
  readonly entry_point?: string
  readonly code_prompt?: string
  readonly expected_time?: number
  // instruction following
  readonly instruction_id_list?: readonly string[]
  readonly kwargs?: readonly Readonly<Record<string, unknown>>[]
}

export interface Answer {
  readonly question_id: string
  readonly answer_id: string
  readonly model_id: string
  readonly choices: readonly {
    readonly index: number
    readonly turns: readonly string[]
    readonly reasoning?: string
  }[]
  /** Unix time in seconds. */
  readonly tstamp: number
  readonly total_time_s?: number
  readonly total_output_tokens?: number
  readonly total_input_tokens?: number
  readonly total_cached_tokens?: number
  readonly cost_usd?: number | null
  readonly api_info?: {
    readonly provider?: string
    readonly api_name?: string
    readonly api_kwargs?: unknown
    /** Ours: set when the server reported no usage, so that the output tokens are the chunks that carried text. */
    readonly tokens_counted_by?: 'chunks'
  }
  readonly eval_status?: string
  readonly error?: string
  readonly error_msg?: string
  /** Ours: seconds from request to first token, of the first turn. */
  readonly ttft_s?: number
  /** Ours: output tokens per second after the first token. */
  readonly tokens_per_second?: number
}

export interface Judgment {
  readonly question_id: string
  readonly task: string
  /** The model's display name, lowercased. */
  readonly model: string
  /** 0 to 1; −1 takes the question out of the scores. */
  readonly score: number
  readonly tstamp: number
  readonly category: string
  readonly answer_id?: string
  readonly subtask?: string
  /** `eval_error`: the grader failed, which says nothing of the answer. */
  readonly eval_status?: string
  readonly error?: string
  readonly error_msg?: string
}

/** The reply that LiveBench records for an answer that failed. */
export const API_ERROR_OUTPUT = '$ERROR$'

/** Which questions a benchmark name selects: `live_bench`, `live_bench/<category>`, `live_bench/<category>/<task>`. */
export type BenchmarkName = string

/** Disjoint counts that sum to `expected`; precedence: missing, grader error, error, excluded (−1), scored. */
export interface QuestionCounts {
  readonly expected: number
  readonly scored: number
  readonly errors: number
  readonly graderErrors: number
  readonly excluded: number
  readonly missing: number
}

export interface ModelScores {
  /** LiveBench's own arithmetic over what is there, 0 to 100, unrounded; null when nothing was scored. */
  readonly average: number | null
  readonly categories: Readonly<Record<string, number>>
  readonly tasks: Readonly<Record<string, number>>
  readonly questions: QuestionCounts
  /** False when the score must not be read as one: see `reasons`. */
  readonly valid: boolean
  readonly reasons: readonly string[]
}

/** The document that `lmrun score --json` prints. */
export interface Scores {
  readonly schema: 'lmrun.scores/v1'
  readonly models: Readonly<Record<string, ModelScores>>
}
