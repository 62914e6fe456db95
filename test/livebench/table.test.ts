import { expect, test } from 'vitest'
import { readScores } from '../../src/livebench/scores.ts'
import { scoreTable } from '../../src/livebench/table.ts'
import { answer, fixture, judgment, question, tree } from './tree.ts'

test('shows the figure of an invalid model as none', async () => {
  const { scores } = await readScores(fixture)
  expect(scoreTable(scores)).toMatchInlineSnapshot(`
    "model              overall  coding  data_analysis  instruction_following  language  math  reasoning    scored  validity
    gold        INVALID (87.5)   100.0          100.0                  100.0     100.0  25.0      100.0  11 of 13  invalid: 2 grader errors
    qwen-coder  INVALID (27.8)    16.7           50.0                  100.0       0.0   0.0        0.0  11 of 13  invalid: 2 grader errors
    qc-serial   INVALID (16.7)    16.7           50.0                      –       0.0     –        0.0   9 of 13  invalid: 4 missing

    task                 gold  qwen-coder  qc-serial
    AMPS_Hard             0.0         0.0          –
    LCB_generation      100.0        50.0       50.0
    code_generation     100.0         0.0        0.0
    coding_completion   100.0         0.0        0.0
    consecutive_events  100.0         0.0        0.0
    cta                 100.0       100.0      100.0
    math_comp            50.0         0.0          –
    spatial             100.0         0.0        0.0
    summarize           100.0       100.0          –
    typos               100.0         0.0        0.0
    web_of_lies_v3      100.0         0.0        0.0

    gold is INVALID:
      - 2 grader errors: amps_hard_derivative in AMPS_Hard (2188ed852e6a65f3fe223ca5d81d0678a8f712ffe843ee3e20fcc6f659bbcb84): RuntimeError: OPENAI_API_KEY not set; cannot run LLM validation fallback for AMPS_Hard; amc12 in math_comp (cf195856623d55337dbbff66137d695305509e604e97b60bb1b369bd3eb3af3b): NotImplementedError: This task (amc12) has not been implemented yet.

    qwen-coder is INVALID:
      - 2 grader errors: amps_hard_derivative in AMPS_Hard (2188ed852e6a65f3fe223ca5d81d0678a8f712ffe843ee3e20fcc6f659bbcb84): RuntimeError: OPENAI_API_KEY not set; cannot run LLM validation fallback for AMPS_Hard; amc12 in math_comp (cf195856623d55337dbbff66137d695305509e604e97b60bb1b369bd3eb3af3b): NotImplementedError: This task (amc12) has not been implemented yet.

    qc-serial is INVALID:
      - 4 missing questions (no judgment): summarize: ec19b8fd5a431543176cdc94c31178c6c520be6d541a474aecf479357d9e4c58; AMPS_Hard: 2188ed852e6a65f3fe223ca5d81d0678a8f712ffe843ee3e20fcc6f659bbcb84; math_comp: cf195856623d55337dbbff66137d695305509e604e97b60bb1b369bd3eb3af3b, ce146d7fc5851f1cdf86b37f343865edad4c77b58acdc82b67d1a971b5f1eb5a
    "
  `)
})

test('puts valid models first, better ones before worse', async () => {
  const judgments = [
    judgment('q1', 0.5, { model: 'worse' }),
    judgment('q1', 0.75, { model: 'better' }),
    judgment('q1', 1, { model: 'failed', eval_status: 'eval_error' }),
  ]
  const answers = { better: [answer('q1', 'x')], 'absent\u001b[31m': [] }
  const { scores } = await readScores(
    tree({ 'math/aime': { questions: [question('q1')], judgments, answers } }),
  )
  expect(scoreTable(scores)).toMatchInlineSnapshot(`
    "model                overall   math  scored  validity
    better                  75.0   75.0  1 of 1  valid
    worse                   50.0   50.0  1 of 1  valid
    failed       INVALID (100.0)  100.0  0 of 1  invalid: 1 grader error
    absent [31m      INVALID (–)      –  0 of 1  invalid: 1 missing

    task  better  worse  failed  absent [31m
    aime    75.0   50.0   100.0            –

    failed is INVALID:
      - 1 grader error: aime (q1): eval_error
      - no question was scored

    absent [31m is INVALID:
      - 1 missing question (no judgment): aime: q1
      - no question was scored
    "
  `)
})

test('leaves the tasks of many models to --json', async () => {
  const judgments = Array.from({ length: 9 }, (_, i) => judgment('q1', 1, { model: `m${i}` }))
  const { scores } = await readScores(tree({ 'math/aime': { questions: [question('q1')], judgments } }))
  const text = scoreTable(scores)
  expect(text).toContain('Tasks: --json, or fewer models with --model.')
  expect(text.split('\n')).toHaveLength(13)
  expect(scoreTable({ ...scores, models: {} })).toBe('No model has an answer or a judgment.\n')
})
