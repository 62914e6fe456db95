import { describe, expect, test } from 'vitest'
import type { RawAnswerOptions } from '../../../src/livebench/answer/options.ts'
import { type Behaviour, type SeenRequest, startOpenAiServer } from '../../support/openai-server.ts'
import { makeQuestions, QUICK, Scene } from './scene.ts'

/** Asks one question of a server that behaves so, one behaviour a request, then well. */
async function ask(behaviours: readonly Behaviour[], overrides: RawAnswerOptions = {}) {
  await using scene = await Scene.with(makeQuestions(1))
  const behave = (_: SeenRequest, nth: number): Behaviour => behaviours[nth - 1] ?? { kind: 'answer' }
  await using server = await startOpenAiServer({ alias: 'stand-in', behave })
  const { log, failure } = await scene.answer(server, overrides).then(
    ({ log }) => ({ log, failure: undefined }),
    (failure: Error) => ({ log: [], failure }),
  )
  const answers = await scene.answers()
  return {
    answer: answers[0],
    text: answers[0]?.choices[0]?.turns[0],
    requests: server.requests,
    log,
    failure,
  }
}

const GOOD = 'you said: prompt 0'
const always = (behaviour: Behaviour): Behaviour[] => Array.from({ length: 20 }, () => behaviour)

describe('is tried again', () => {
  const causes: Record<string, Behaviour> = {
    'a connection reset before the reply': { kind: 'cut' },
    'a stream cut in the middle': { kind: 'cut', afterTokens: 3 },
    'a stream that ends without saying so': { kind: 'answer', finishReason: null, done: false },
    'an event that is no JSON': { kind: 'raw', body: 'data: {"choices": [{"delta": {"content": "a\n\n' },
    'an event that is no object': { kind: 'raw', body: 'data: 7\n\ndata: [DONE]\n\n' },
    'an error inside the stream': {
      kind: 'raw',
      body: 'data: {"error": {"code": 500, "message": "slot lost"}}\n\n',
    },
    '408': { kind: 'status', status: 408 },
    '409': { kind: 'status', status: 409 },
    '429': { kind: 'status', status: 429 },
    '500': { kind: 'status', status: 500 },
    '503 with an HTML page': { kind: 'status', status: 503, body: '<html>down</html>' },
    '599': { kind: 'status', status: 599 },
  }
  test.each(Object.entries(causes))('%s', async (_, behaviour) => {
    const { text, requests, log, failure } = await ask([behaviour, behaviour])
    expect(failure).toBeUndefined()
    expect(text).toBe(GOOD)
    expect(requests).toHaveLength(3)
    expect(log.filter(line => line.startsWith('trying again after'))).toHaveLength(1)
    expect(log.at(-1)).toContain('2 retries')
  })

  test.each<[string, Behaviour, RawAnswerOptions]>([
    ['no first token', { kind: 'hang' }, { limits: { ...QUICK, firstTokenMs: 60 } }],
    [
      'only comments',
      { kind: 'hang', afterTokens: 0, comments: true },
      { limits: { ...QUICK, firstTokenMs: 60 } },
    ],
    [
      'silence after some tokens',
      { kind: 'hang', afterTokens: 2, comments: true },
      { limits: { ...QUICK, idleMs: 60 } },
    ],
  ])('%s', async (_, behaviour, overrides) => {
    const { text, requests, log } = await ask([behaviour], overrides)
    expect(text).toBe(GOOD)
    expect(requests).toHaveLength(2)
    expect(log.join('\n')).toContain('APITimeoutError')
  })

  test('at most as often as allowed, then the error is recorded and nothing could be answered', async () => {
    const { answer, requests, failure } = await ask(
      always({ kind: 'status', status: 500, body: { error: { message: 'boom' } } }),
    )
    expect(requests).toHaveLength(1 + QUICK.retries)
    expect(answer).toMatchObject({
      choices: [{ index: 0, turns: ['$ERROR$'] }],
      eval_status: 'answer_error',
      error: 'InternalServerError',
      error_msg: '500: boom',
    })
    expect(failure?.message).toMatch(
      /^none of the 1 questions could be answered by .*: 1 × InternalServerError$/,
    )
  })

  test('after what Retry-After says', async () => {
    const { text, requests } = await ask([{ kind: 'status', status: 429, headers: { 'retry-after': '0.2' } }])
    expect(text).toBe(GOOD)
    expect(requests).toHaveLength(2)
  })

  test('unless the wait that is asked for is too long', async () => {
    const { answer, requests } = await ask([
      { kind: 'status', status: 429, headers: { 'retry-after': '86400' } },
    ])
    expect(requests).toHaveLength(1)
    expect(answer?.error).toBe('RateLimitError')
  })
})

describe('is the question’s own error, and not tried again', () => {
  const context = {
    error: { code: 400, message: 'the request exceeds the available context size, try increasing it' },
  }
  test.each<[string, Behaviour, string]>([
    ['400', { kind: 'status', status: 400, body: { error: 'no' } }, 'BadRequestError'],
    ['422', { kind: 'status', status: 422, body: { detail: 'no' } }, 'UnprocessableEntityError'],
    ['418', { kind: 'status', status: 418 }, 'APIStatusError'],
    ['a redirect', { kind: 'status', status: 308, headers: { location: '/x' } }, 'APIStatusError'],
    [
      'a prompt beyond the context',
      { kind: 'status', status: 400, body: context },
      'ContextLengthExceededError',
    ],
    [
      'the same within a stream',
      { kind: 'raw', body: `data: ${JSON.stringify(context)}\n\n` },
      'ContextLengthExceededError',
    ],
    ['an empty reply', { kind: 'answer', tokens: [] }, 'EmptyAnswerError'],
    ['a reply of blanks', { kind: 'answer', tokens: [' ', '\n'] }, 'EmptyAnswerError'],
    [
      'a page where events should be',
      { kind: 'raw', body: '<html></html>', contentType: 'text/html' },
      'APIResponseValidationError',
    ],
  ])('%s', async (_, behaviour, error) => {
    const { answer, requests } = await ask([behaviour])
    expect(requests).toHaveLength(1)
    expect(answer).toMatchObject({ choices: [{ turns: ['$ERROR$'] }], eval_status: 'answer_error', error })
    expect(answer?.error_msg).toBeTruthy()
  })

  test('a reply that never ends', async () => {
    const endless: Behaviour = { kind: 'answer', tokens: Array.from({ length: 500 }, () => 'x '), tokenMs: 5 }
    const { answer, requests } = await ask([endless], { limits: { ...QUICK, totalMs: 100 } })
    expect(requests).toHaveLength(1)
    expect(answer?.error).toBe('APITimeoutError')
  })

  test('reasoning without an answer: the reasoning and its tokens are kept', async () => {
    const { answer } = await ask([
      { kind: 'answer', tokens: [], reasoning: ['so ', 'on'], finishReason: 'length' },
    ])
    expect(answer?.choices).toEqual([{ index: 0, turns: ['$ERROR$'], reasoning: 'so on' }])
    expect(answer?.total_output_tokens).toBe(2)
    expect(answer?.error_msg).toBe(
      'the model said nothing (2 tokens, all of them reasoning, finish reason length)',
    )
  })
})

describe('is understood', () => {
  const words = ['Grüße ', '🐈‍⬛ ', '漢字', '\r\n\n', 'data: x\n\n', '\u2028', '"}']
  const whole = words.join('')

  test.each<[string, Behaviour]>([
    ['characters and line ends torn apart', { kind: 'answer', tokens: words, pieceBytes: 1 }],
    ['CRLF', { kind: 'answer', tokens: words, newline: '\r\n' }],
    ['CRLF torn apart', { kind: 'answer', tokens: words, newline: '\r\n', pieceBytes: 1 }],
    ['pieces of seven bytes', { kind: 'answer', tokens: words, pieceBytes: 7 }],
    ['a stream under the wrong content type', { kind: 'answer', tokens: words, contentType: 'text/plain' }],
    ['no [DONE]', { kind: 'answer', tokens: words, done: false }],
    ['no finish reason', { kind: 'answer', tokens: words, finishReason: null }],
    ['a connection that stays open', { kind: 'answer', tokens: words, lingers: true }],
    ['JSON instead of a stream', { kind: 'json', tokens: words }],
  ])('%s', async (_, behaviour) => {
    const { text, requests, failure } = await ask([behaviour])
    expect(failure).toBeUndefined()
    expect(text).toBe(whole)
    expect(requests).toHaveLength(1)
  })

  test('the last event without its blank line, and no newline at all', async () => {
    const event = { choices: [{ index: 0, delta: { content: 'end' }, finish_reason: 'stop' }] }
    expect((await ask([{ kind: 'raw', body: `data:${JSON.stringify(event)}` }])).text).toBe('end')
  })

  test('chunks are counted when the server does not count', async () => {
    const { answer } = await ask([{ kind: 'answer', tokens: ['a', 'b', 'c'], usage: false }])
    expect(answer).toMatchObject({
      total_output_tokens: 3,
      total_input_tokens: 0,
      api_info: { tokens_counted_by: 'chunks' },
    })
  })

  test.each(['reasoning_content', 'reasoning'])('thoughts in %s', async reasoningField => {
    const { answer } = await ask([
      { kind: 'answer', reasoning: ['first ', 'then'], reasoningField, tokens: ['so'] },
    ])
    expect(answer?.choices).toEqual([{ index: 0, turns: ['so'], reasoning: 'first then' }])
  })

  test('a reply without a stream has no time to the first token', async () => {
    const { answer } = await ask([{ kind: 'json', reasoning: ['hm'], tokens: ['yes'] }])
    expect(answer?.choices).toEqual([{ index: 0, turns: ['yes'], reasoning: 'hm' }])
    expect(answer).not.toHaveProperty('ttft_s')
    expect(answer).not.toHaveProperty('tokens_per_second')
  })
})

describe('stops everything at once', () => {
  test.each([
    [401, 'does not accept the key', 'LIVEBENCH_API_KEY'],
    [403, 'forbids the use of "stand-in"', 'may not use'],
    [404, 'does not serve "stand-in"', '/v1/models'],
  ])('%i', async (status, message, hint) => {
    await using scene = await Scene.with(makeQuestions(30))
    const behave = () => ({ kind: 'status', status, body: { error: { message: 'no entry' } } }) as const
    await using server = await startOpenAiServer({ alias: 'stand-in', behave })
    const failure = await scene.answer(server, { parallel: '2' }).catch((error: Error) => error)
    expect(failure).toMatchObject({ name: 'LmrunError', hint: expect.stringContaining(hint) })
    expect(failure).toMatchObject({
      message: expect.stringContaining(message),
      cause: { message: `${status}: no entry` },
    })
    expect(server.requests.length).toBeLessThanOrEqual(2)
    expect(await scene.lines()).toEqual([])
  })

  test('nobody there', async () => {
    await using scene = await Scene.with(makeQuestions(30))
    const gone = await startOpenAiServer({ alias: 'stand-in' })
    await gone.close()
    const failure = await scene.answer(gone).catch((error: Error) => error)
    expect(failure).toMatchObject({
      message: `${gone.apiBase} cannot be reached`,
      cause: { message: /ECONNREFUSED/ },
    })
    expect(await scene.lines()).toEqual([])
  })

  test('https where http is spoken', async () => {
    await using scene = await Scene.with(makeQuestions(2))
    await using server = await startOpenAiServer({ alias: 'stand-in' })
    const apiBase = server.apiBase.replace('http:', 'https:')
    await expect(scene.answer({ apiBase })).rejects.toThrow(/no secure connection/)
  })

  test('but one prompt that a gateway forbids does not', async () => {
    await using scene = await Scene.with(makeQuestions(5))
    const behave = (_: SeenRequest, nth: number): Behaviour =>
      nth === 3 ? { kind: 'status', status: 403 } : { kind: 'answer' }
    await using server = await startOpenAiServer({ alias: 'stand-in', behave })
    const { summary } = await scene.answer(server, { parallel: '1' })
    expect(summary).toMatchObject({ questions: 5, errors: 1 })
  })
})

test('the key is sent, and never written or shown', async () => {
  await using scene = await Scene.with(makeQuestions(3))
  const key = 'sk-very-secret-4711'
  const behave = ({ authorization }: SeenRequest, nth: number): Behaviour =>
    nth === 1 ? { kind: 'status', status: 400, body: { error: `bad ${authorization}` } } : { kind: 'cut' }
  await using server = await startOpenAiServer({ alias: 'stand-in', behave })
  const log: string[] = []
  const failure = await scene
    .answer(server, { apiKey: `${key}\n` }, { log: line => log.push(line) })
    .catch((error: Error) => error)
  expect(server.requests[0]?.authorization).toBe(`Bearer ${key}`)
  const lines = await scene.lines()
  expect(lines).toHaveLength(3)
  expect(JSON.stringify([lines, log, failure, String(failure)])).not.toContain(key)
  expect(lines.join()).toContain('bad Bearer ***')
})
