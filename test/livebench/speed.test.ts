import { expect, test } from 'vitest'
import { readSpeed } from '../../src/livebench/speed.ts'
import { answer, fixture, question, tree } from './tree.ts'

const timed = (id: string, ttft_s: unknown, tokens_per_second: unknown, tokens = 10) =>
  answer(id, 'x', { ttft_s, tokens_per_second, total_output_tokens: tokens, total_input_tokens: 2 * tokens })

test('has quantiles over all answers and sums of tokens', async () => {
  const dir = tree({
    'math/aime': {
      answers: { 'Qwen-Coder': [timed('q1', 0.1, 100), timed('q2', 0.2, 50), timed('q1', 0.3, 40, 20)] },
    },
    'coding/lcb': {
      answers: { 'qwen-coder': [timed('q1', 0.4, 30), answer('q2', '$ERROR$')], other: [timed('q1', 9, 9)] },
    },
  })
  expect(await readSpeed(dir, 'QWEN-CODER')).toEqual({
    ttft: { p50: expect.closeTo(0.3), p95: expect.closeTo(0.39) },
    tokensPerSecond: { p50: 40, p95: expect.closeTo(49) },
    outputTokens: 45,
    inputTokens: 87,
  })
})

test('is null when the files do not tell', async () => {
  expect(await readSpeed(fixture, 'qwen-coder')).toBeNull()
  expect(await readSpeed(fixture, 'nobody')).toBeNull()
  const dir = tree({
    'math/aime': {
      questions: [question('q1')],
      answers: { m: [timed('q1', null, -1), timed('q2', 'x', {})] },
    },
  })
  expect(await readSpeed(dir, 'm')).toBeNull()
})

test('broken lines are passed over', async () => {
  const dir = tree({
    'math/aime': { answers: { m: [timed('q1', 0.5, 8), '{"ttft_s": 1', '[]', timed('', 3, 3)] } },
  })
  expect(await readSpeed(dir, 'm')).toMatchObject({ ttft: { p50: 0.5, p95: 0.5 }, outputTokens: 10 })
})
