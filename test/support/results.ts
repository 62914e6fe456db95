import type { ModelScores } from '../../src/livebench/types.ts'
import type {
  FailedQuestion,
  ModelResult,
  Phase,
  Results,
  Speed,
  VmRecord,
} from '../../src/report/results.ts'

/** Noon of a day in 2026, when every run of the tests starts. */
export const START = Date.UTC(2026, 8, 1, 12)

/** The results of a run that went well: one model, 128 coding questions. Numbers are invented. */
export function createResults(overrides: Partial<Results> = {}): Results {
  return {
    schema: 'lmrun.results/v1',
    run: createRunPart(),
    benchmark: createBenchmark(),
    hardware: { cpu: 'AMD EPYC 7763 64-Core Processor', cores: 4, memoryGiB: 15.6, os: 'Linux 6.8.0' },
    models: { 'qwen-coder': createModel() },
    phases: createPhases(['qwen-coder']),
    vms: createVms(['client', 'qwen-coder']),
    warnings: [],
    failure: null,
    ...overrides,
  }
}

export function createRunPart(overrides: Partial<Results['run']> = {}): Results['run'] {
  return {
    id: '4242-1-bench-x7f2q',
    status: 'completed',
    startedAt: START,
    endedAt: START + 14 * 60_000,
    infra: 'local',
    repository: 'acme/serving',
    sha: 'd4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3',
    url: 'https://github.com/acme/serving/actions/runs/4242/attempts/1',
    lmrun: '0.1.0',
    ...overrides,
  }
}

export function createBenchmark(overrides: Partial<Results['benchmark']> = {}): Results['benchmark'] {
  return {
    name: 'live_bench/coding',
    release: '2024-11-25',
    questions: 'questions/livebench',
    questionCount: 128,
    questionsSha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    parallel: 16,
    maxTokens: 4096,
    unverifiedTasks: ['AMPS_Hard'],
    ...overrides,
  }
}

/** A model that answered everything. */
export function createModel(overrides: Partial<ModelResult> = {}): ModelResult {
  return {
    model: 'Qwen/Qwen2.5-Coder-32B-Instruct',
    revision: '381fc969f78efac66bc87ff7ddeadb7e73c218a7',
    vm: 'qwen-coder-x7f2q',
    served: {
      model: 'Qwen/Qwen2.5-Coder-32B-Instruct',
      revision: '381fc969f78efac66bc87ff7ddeadb7e73c218a7',
      engine: 'vLLM 0.11.0',
      context: 32_768,
      hardware: '1 × NVIDIA H100 80GB',
    },
    scores: createScores(),
    speed: createSpeed(),
    failure: null,
    failedQuestions: [],
    ...overrides,
  }
}

export function createScores(overrides: Partial<ModelScores> = {}): ModelScores {
  return {
    average: 58.6328125,
    categories: { coding: 58.6328125 },
    tasks: { LCB_generation: 60.25641, coding_completion: 56 },
    questions: { expected: 128, scored: 128, errors: 0, graderErrors: 0, excluded: 0, missing: 0 },
    valid: true,
    reasons: [],
    ...overrides,
  }
}

export function createSpeed(overrides: Partial<Speed> = {}): Speed {
  return {
    ttft: { p50: 0.312, p95: 0.871 },
    tokensPerSecond: { p50: 41.7, p95: 58.2 },
    throughput: 412.4,
    outputTokens: 61_234,
    inputTokens: 88_012,
    ...overrides,
  }
}

export function createQuestion(overrides: Partial<FailedQuestion> = {}): FailedQuestion {
  return {
    questionId: '345048baa06953dd2b945cbc68ca491a56bd8e153d3c4986fe55fd381cd8a182',
    task: 'LCB_generation',
    category: 'coding',
    score: 0,
    kind: 'wrong',
    prompt: 'Write a function `add(a, b)` that returns the sum of two integers.',
    answer: '```python\ndef add(a: int, b: int) -> int:\n    return a - b\n```\n\nThis subtracts.',
    ...overrides,
  }
}

/** The usual story: check, launch and load side by side, answer, release, grade, teardown. */
export function createPhases(keys: readonly string[]): readonly Phase[] {
  const span = (subject: string, name: Phase['name'], from: number, to: number): Phase => ({
    subject,
    name,
    startedAt: START + from * 1000,
    endedAt: START + to * 1000,
    ok: true,
  })
  return [
    span('run', 'check', 0, 2),
    span('client', 'launch', 2, 95),
    ...keys.flatMap((key, index) => [
      span(key, 'launch', 2, 140 + index * 12),
      span(key, 'load', 140 + index * 12, 290 + index * 30),
      span(key, 'answer', 290 + index * 30, 612 + index * 45),
      span(key, 'release', 612 + index * 45, 620 + index * 45),
      span(key, 'grade', 620 + index * 45, 741 + index * 45),
    ]),
    span('run', 'report', 800, 803),
    span('run', 'teardown', 803, 840),
  ]
}

/** One VM a name, all seen to be gone. */
export function createVms(names: readonly string[]): readonly VmRecord[] {
  return names.map(name => ({
    name: `${name}-x7f2q`,
    role: name === 'client' ? 'client' : 'server',
    launchedAt: START + 2000,
    goneAt: START + 835_000,
  }))
}
