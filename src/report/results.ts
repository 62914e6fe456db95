import type { ModelScores } from '../livebench/types.ts'

/** Distribution of one measure over the answers of a model. */
export interface Quantiles {
  readonly p50: number
  readonly p95: number
}

export interface Speed {
  /** Seconds to first token. */
  readonly ttft: Quantiles
  /** Output tokens per second of one answer, after its first token. */
  readonly tokensPerSecond: Quantiles
  /** Output tokens of all answers ÷ wall time of the answering phase. */
  readonly throughput: number
  readonly outputTokens: number
  readonly inputTokens: number
}

/** What a server said it serves, from the `served.json` of its working folder. */
export interface Served {
  readonly model: string
  readonly revision?: string
  readonly engine?: string
  readonly context?: number
  readonly hardware?: string
  /** True when a small model stands in for the one that was asked for. */
  readonly standIn?: boolean
}

/** Why a model has no (valid) score. */
export interface Failure {
  /** One line: what failed. */
  readonly what: string
  /** The likely cause, in words. */
  readonly cause?: string
  /** What to do. */
  readonly hint?: string
  /** The last lines of the log that tells. */
  readonly log?: readonly string[]
}

/** One question that got less than full marks, for the folded part of the report. */
export interface FailedQuestion {
  readonly questionId: string
  readonly task: string
  readonly category: string
  /** 0 to 1; null when there is none (missing, error, grader error). */
  readonly score: number | null
  readonly kind: 'wrong' | 'error' | 'graderError' | 'missing'
  readonly prompt: string
  readonly answer: string
  readonly note?: string
}

export interface ModelResult {
  /** What was asked for. */
  readonly model: string
  readonly revision?: string
  readonly vm: string
  readonly served?: Served
  readonly scores: ModelScores | null
  readonly speed: Speed | null
  readonly failure: Failure | null
  readonly failedQuestions: readonly FailedQuestion[]
}

/** A span of the run's story. Times are Unix milliseconds. */
export interface Phase {
  /** The model key, or `client`, or `run`. */
  readonly subject: string
  readonly name: 'check' | 'launch' | 'load' | 'answer' | 'release' | 'grade' | 'report' | 'teardown'
  readonly startedAt: number
  readonly endedAt: number
  readonly ok: boolean
}

export interface VmRecord {
  readonly name: string
  readonly role: 'server' | 'client'
  readonly launchedAt: number
  /** When it was seen to be gone; null when it was not. */
  readonly goneAt: number | null
  /** The exact command that ends it, when it was not seen to be gone. */
  readonly command?: string
}

/** The document `results.json`; described for readers in docs/results.md. */
export interface Results {
  readonly schema: 'lmrun.results/v1'
  readonly run: {
    readonly id: string
    readonly status: 'completed' | 'failed' | 'cancelled'
    readonly startedAt: number
    readonly endedAt: number
    readonly infra: string
    readonly repository?: string
    readonly sha?: string
    readonly url?: string
    readonly lmrun: string
  }
  readonly benchmark: {
    readonly name: string
    readonly release: string | null
    /** `smoke`, or the folder that the questions came from. */
    readonly questions: string
    readonly questionCount: number
    /** sha256 over the sorted question ids, one a line: two runs compare only when it is equal. */
    readonly questionsSha256: string
    readonly parallel: number
    readonly maxTokens: number
  }
  readonly hardware: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number; readonly os: string }
  readonly models: Readonly<Record<string, ModelResult>>
  readonly phases: readonly Phase[]
  readonly vms: readonly VmRecord[]
  /** Anything a reader must know that is not an error: a sandbox that could not be had, questions left out, … */
  readonly warnings: readonly string[]
  /** What ended the run, when it did not complete. */
  readonly failure: Failure | null
}
