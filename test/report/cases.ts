import { NOT_FINISHED } from '../../src/report/digest.ts'
import type { Results } from '../../src/report/results.ts'
import {
  createBenchmark,
  createModel,
  createPhases,
  createQuestion,
  createResults,
  createRunPart,
  createScores,
  createSpeed,
  createVms,
  START,
} from '../support/results.ts'

/** Runs whose reports are kept as golden files and looked at as pictures (scripts/picture.mjs). */

const SMOKE_ID = 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c'

function twoModels(): Results {
  return createResults({
    models: {
      'qwen-coder': createModel({
        failedQuestions: [
          createQuestion(),
          createQuestion({
            questionId: SMOKE_ID,
            task: 'coding_completion',
            score: 0.333,
            answer: 'return a + b',
          }),
        ],
      }),
      'sky-t1': createModel({
        model: 'NovaSky-AI/Sky-T1-32B-Preview',
        vm: 'sky-t1-x7f2q',
        served: { model: 'NovaSky-AI/Sky-T1-32B-Preview', engine: 'vLLM 0.11.0', context: 32_768 },
        scores: createScores({
          average: 61.71875,
          categories: { coding: 61.71875 },
          tasks: { LCB_generation: 62.82, coding_completion: 60 },
        }),
        speed: createSpeed({
          ttft: { p50: 0.331, p95: 0.94 },
          throughput: 398.2,
          tokensPerSecond: { p50: 39.2, p95: 55 },
        }),
      }),
    },
    phases: createPhases(['qwen-coder', 'sky-t1']),
    vms: createVms(['client', 'qwen-coder', 'sky-t1']),
  })
}

function smoke(): Results {
  const {
    sha: _sha,
    url: _url,
    repository: _repository,
    ...run
  } = createRunPart({
    id: 'local-x7f2q',
    endedAt: START + 41_300,
  })
  const second = (ms: number) => START + ms
  return createResults({
    run,
    benchmark: createBenchmark({
      name: 'live_bench',
      release: null,
      questions: 'smoke',
      questionCount: 48,
      parallel: 4,
      maxTokens: 256,
    }),
    models: {
      'qwen-coder': createModel({
        served: {
          model: 'SmolLM2-135M-Instruct.Q4_1.gguf',
          engine: 'xllamacpp 2026.10.11549',
          context: 4096,
          standIn: true,
        },
        scores: createScores({
          average: 18.402777,
          categories: {
            coding: 12.5,
            data_analysis: 25,
            instruction_following: 47.9166,
            language: 12.5,
            math: 0,
            reasoning: 12.5,
          },
          tasks: {},
          questions: { expected: 48, scored: 48, errors: 0, graderErrors: 0, excluded: 0, missing: 0 },
        }),
        speed: createSpeed({
          ttft: { p50: 0.184, p95: 0.652 },
          tokensPerSecond: { p50: 31.4, p95: 44.9 },
          throughput: 118.3,
          outputTokens: 3_412,
          inputTokens: 6_120,
        }),
        failedQuestions: [
          createQuestion(),
          createQuestion({
            questionId: SMOKE_ID,
            category: 'math',
            task: 'math_comp',
            prompt: 'What is $7 \\times 6$? End with the letter five times, e.g. AAAAA.',
            answer: 'The answer is 41. CCCCC',
          }),
        ],
      }),
    },
    phases: [
      { subject: 'run', name: 'check', startedAt: second(0), endedAt: second(210), ok: true },
      { subject: 'client', name: 'launch', startedAt: second(210), endedAt: second(900), ok: true },
      { subject: 'qwen-coder', name: 'launch', startedAt: second(210), endedAt: second(1500), ok: true },
      { subject: 'qwen-coder', name: 'load', startedAt: second(1500), endedAt: second(5600), ok: true },
      { subject: 'qwen-coder', name: 'answer', startedAt: second(5600), endedAt: second(34_400), ok: true },
      {
        subject: 'qwen-coder',
        name: 'release',
        startedAt: second(34_400),
        endedAt: second(34_700),
        ok: true,
      },
      { subject: 'qwen-coder', name: 'grade', startedAt: second(34_700), endedAt: second(40_100), ok: true },
      { subject: 'run', name: 'teardown', startedAt: second(40_300), endedAt: second(41_300), ok: true },
    ],
    warnings: ['Model-written code ran without a network namespace: unshare is not permitted here.'],
  })
}

function invalid(): Results {
  const base = twoModels()
  return {
    ...base,
    models: {
      'qwen-coder': createModel({
        scores: createScores({
          average: 27.8,
          questions: { expected: 128, scored: 122, errors: 0, graderErrors: 2, excluded: 0, missing: 4 },
          valid: false,
          reasons: [
            '4 of 128 questions are missing: 345048ba, 3d666a97, 5f1c2e80 and b5bb9d80 in coding/coding_completion',
            '2 grader errors: amc12 in math/math_comp, AMPS_Hard in math/AMPS_Hard',
          ],
        }),
        failedQuestions: [
          createQuestion({
            kind: 'graderError',
            score: null,
            note: 'ModuleNotFoundError: No module named `sympy`',
          }),
          createQuestion({ questionId: SMOKE_ID, kind: 'missing', score: null, answer: '' }),
        ],
      }),
      'sky-t1': base.models['sky-t1'] ?? createModel(),
    },
  }
}

function serverFailed(): Results {
  const log = [
    'loading weights from Qwen2.5-Coder-32B-Instruct (17 shards)',
    'INFO 09-01 12:03:11 model_runner.py:1110] Starting to load model...',
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 270.00 MiB.',
    'GPU 0 has a total capacity of 79.10 GiB of which 202.06 MiB is free.',
  ]
  return createResults({
    run: createRunPart({ status: 'failed', endedAt: START + 201_000 }),
    models: {
      'qwen-coder': createModel({
        scores: null,
        speed: null,
        failure: {
          what: 'the model server ended with exit code 1 before it was ready',
          cause: 'the GPU ran out of memory while it loaded the weights',
          hint: 'Serve a smaller quantisation, or lower `--max-model-len` in its serve options.',
          log,
        },
      }),
    },
    phases: [
      ...createPhases(['qwen-coder']).slice(0, 3),
      {
        subject: 'qwen-coder',
        name: 'load',
        startedAt: START + 140_000,
        endedAt: START + 191_000,
        ok: false,
      },
      { subject: 'run', name: 'teardown', startedAt: START + 191_000, endedAt: START + 201_000, ok: true },
    ],
  })
}

function cancelled(): Results {
  const base = twoModels()
  const sky = base.models['sky-t1'] ?? createModel()
  return {
    ...base,
    run: createRunPart({ status: 'cancelled', endedAt: START + 725_000 }),
    failure: { what: 'the run was cancelled' },
    models: {
      ...base.models,
      'sky-t1': { ...sky, scores: null, speed: null, failure: NOT_FINISHED },
    },
    phases: base.phases.filter(({ subject, name }) => subject !== 'sky-t1' || name !== 'grade'),
    vms: base.vms.map(vm =>
      vm.name === 'sky-t1-x7f2q' ? { ...vm, goneAt: null, command: 'lmrun down sky-t1-x7f2q' } : vm,
    ),
  }
}

/** Rented VMs: one taken back and launched again on demand, one kept warm, one that is still ending. */
function rented(): Results {
  const base = twoModels()
  const at = (second: number) => START + second * 1000
  const gpu = { what: 'AWS us-east-1 g6.12xlarge, L4:4', hourly: 4.6, spot: false }
  const server = { role: 'server', launchedAt: at(2) } as const
  return {
    ...base,
    run: createRunPart({ infra: 'aws/us-east-1 gcp' }),
    vms: [
      {
        name: 'client-x7f2q',
        role: 'client',
        launchedAt: at(2),
        goneAt: null,
        command: 'sky down -y client-x7f2q',
      },
      {
        ...server,
        ...gpu,
        spot: true,
        hourly: 1.73,
        name: 'qwen-coder-x7f2q',
        goneAt: at(300),
        cost: 0.1432,
      },
      { ...server, ...gpu, name: 'qwen-coder-x7f2q', launchedAt: at(310), goneAt: at(835), cost: 0.6708 },
      {
        ...server,
        ...gpu,
        name: 'sky-t1',
        command: 'lmrun down sky-t1 --fleet sky',
        goneAt: null,
        kept: true,
        cost: 1.0708,
      },
    ],
    models: { ...base.models, 'sky-t1': { ...(base.models['sky-t1'] ?? createModel()), vm: 'sky-t1' } },
    retries: [
      {
        subject: 'qwen-coder',
        vm: 'qwen-coder-x7f2q',
        at: at(300),
        kind: 'preemption',
        reason: 'qwen-coder-x7f2q was lost: the spot VM was taken back',
        next: 'on-demand',
      },
    ],
    cost: { total: 1.8848, unknown: ['client-x7f2q'] },
  }
}

const HOSTILE =
  '</details><script>alert(1)</script> ![x](https://evil.example/p.png) [click](javascript:alert(1)) @acme/team #12 GH-12 acme/serving#1 d4e5f6a7b8c9 https://evil.example www.evil.example :rocket: **bold** | a | b | `code` ```` fence [^1] $x$ \u202etxt.exe\u200b\u001b[31m'

function hostile(): Results {
  const lines = [
    '```',
    '````text',
    '::error::pwned',
    '##[error]pwned',
    '- [x] task',
    '# heading',
    HOSTILE,
  ].join('\n')
  const key = 'x|y`z %%{init: {}}%% click:a,b;#<b>'
  return createResults({
    run: createRunPart({
      status: 'failed',
      infra: HOSTILE,
      sha: '#12',
      repository: '@acme',
      lmrun: HOSTILE,
      id: HOSTILE,
      url: 'javascript:alert(1)',
    }),
    benchmark: createBenchmark({
      name: HOSTILE,
      release: HOSTILE,
      questions: HOSTILE,
      questionsSha256: HOSTILE,
    }),
    hardware: { cpu: HOSTILE, cores: 4, memoryGiB: 16, os: HOSTILE },
    models: {
      [key]: createModel({
        model: HOSTILE,
        revision: HOSTILE,
        served: { model: HOSTILE, engine: HOSTILE, hardware: HOSTILE, standIn: true },
        scores: createScores({ categories: { [HOSTILE]: 1, 'a|\\|b': 2 }, tasks: {} }),
        failedQuestions: [
          createQuestion({ task: HOSTILE, questionId: HOSTILE, prompt: lines, answer: lines, note: HOSTILE }),
        ],
      }),
      [HOSTILE]: createModel({
        failure: { what: HOSTILE, cause: HOSTILE, hint: HOSTILE, log: lines.split('\n') },
        scores: createScores({ valid: false, reasons: [HOSTILE] }),
      }),
    },
    phases: createPhases([key, HOSTILE]),
    vms: [
      {
        name: HOSTILE,
        role: 'client',
        launchedAt: START,
        goneAt: null,
        what: HOSTILE,
        command: `${HOSTILE}\n${lines}`,
      },
    ],
    retries: [{ subject: HOSTILE, vm: HOSTILE, at: START, kind: HOSTILE, reason: lines, next: 'again' }],
    cost: { total: 1, unknown: [HOSTILE] },
    warnings: [HOSTILE, lines],
    failure: { what: lines, cause: HOSTILE, hint: HOSTILE, log: lines.split('\n') },
  })
}

function huge(): Results {
  const keys = Array.from({ length: 6 }, (_, index) => `model-${index + 1}`)
  const questions = Array.from({ length: 60 }, (_, index) =>
    createQuestion({
      questionId: `question-${index + 1}`,
      prompt: 'Why? '.repeat(400),
      answer: 'Because. '.repeat(900),
    }),
  )
  const failing = (index: number) =>
    index === 4
      ? {
          questions: { ...createScores().questions, missing: 1 },
          valid: false,
          reasons: ['1 of 128 questions is missing'],
        }
      : {}
  return createResults({
    models: Object.fromEntries(
      keys.map((key, index) => [
        key,
        createModel({
          model: `acme/${key}`,
          vm: key,
          scores: createScores({ average: 50 + index, ...failing(index) }),
          failedQuestions: questions,
        }),
      ]),
    ),
    phases: createPhases(keys),
    vms: createVms(['client', ...keys]),
  })
}

export const CASES: Readonly<Record<string, () => Results>> = {
  'two-models': twoModels,
  smoke,
  invalid,
  'server-failed': serverFailed,
  cancelled,
  rented,
  hostile,
  huge,
}
