import { expect, test } from 'vitest'
import { readFailedQuestions } from '../../src/livebench/failures.ts'
import type { FailedQuestion } from '../../src/report/results.ts'
import { answer, fixture, judgment, question, tree } from './tree.ts'

test('of a real run have what was asked, answered and said', async () => {
  const failed: FailedQuestion[] = await readFailedQuestions(fixture, 'QWEN-coder', { limit: 100 })
  expect(failed.map(({ kind, task }) => `${kind} ${task}`)).toEqual([
    'graderError AMPS_Hard',
    'graderError math_comp',
    'wrong LCB_generation',
    'wrong code_generation',
    'wrong coding_completion',
    'wrong consecutive_events',
    'wrong typos',
    'wrong math_comp',
    'wrong spatial',
    'wrong web_of_lies_v3',
  ])
  expect(failed[1]).toEqual({
    questionId: 'cf195856623d55337dbbff66137d695305509e604e97b60bb1b369bd3eb3af3b',
    category: 'math',
    task: 'math_comp',
    kind: 'graderError',
    score: null,
    prompt: expect.stringMatching(/^What is \$2\+3/),
    answer: 'A (A)',
    note: 'NotImplementedError: This task (amc12) has not been implemented yet.',
  })
})

test('are of every kind, what is no verdict first, up to the limit', async () => {
  const ids = ['right', 'half', 'absent', 'failed', 'empty', 'out']
  const dir = tree({
    'math/aime': {
      questions: ids.map(id => question(id, { turns: [`${id}?`, 'And then?'] })),
      judgments: [
        judgment('right', 1),
        judgment('half', 0.5),
        judgment('failed', 0, { eval_status: 'eval_error', error_msg: 'boom' }),
        judgment('empty', 0),
        judgment('out', -1),
      ],
      answers: {
        m: [answer('half', 'old'), answer('half', 'new'), answer('empty', ' '), answer('absent', 'here')],
      },
    },
  })
  const failed = await readFailedQuestions(dir, 'm', { limit: 10 })
  const base = { category: 'math', task: 'aime' }
  expect(failed).toEqual([
    {
      ...base,
      questionId: 'empty',
      kind: 'error',
      score: null,
      prompt: 'empty?\n\nAnd then?',
      answer: ' ',
      note: 'the answer is empty',
    },
    {
      ...base,
      questionId: 'failed',
      kind: 'graderError',
      score: null,
      prompt: 'failed?\n\nAnd then?',
      answer: '',
      note: 'boom',
    },
    {
      ...base,
      questionId: 'absent',
      kind: 'missing',
      score: null,
      prompt: 'absent?\n\nAnd then?',
      answer: 'here',
    },
    { ...base, questionId: 'half', kind: 'wrong', score: 0.5, prompt: 'half?\n\nAnd then?', answer: 'new' },
  ])
  expect(await readFailedQuestions(dir, 'm', { limit: 2 })).toEqual(failed.slice(0, 2))
})

test('have texts of a sane length, cut between characters', async () => {
  const dir = tree({
    'math/aime': {
      questions: [question('q1', { turns: ['p'.repeat(5000)] })],
      judgments: [judgment('q1', 0)],
      answers: { m: [answer('q1', `a${'😀'.repeat(3000)}`)] },
    },
  })
  const [failed] = await readFailedQuestions(dir, 'm', { limit: 1 })
  expect(failed?.prompt).toBe(`${'p'.repeat(2000)}…`)
  expect(failed?.answer.isWellFormed()).toBe(true)
  expect(failed?.answer).toHaveLength(2000)
})

test('of a model that never was are all missing', async () => {
  const failed = await readFailedQuestions(fixture, 'nobody', { limit: 3, benchmarks: ['live_bench/coding'] })
  expect(failed.map(({ kind, category }) => [kind, category])).toEqual(Array(3).fill(['missing', 'coding']))
})
