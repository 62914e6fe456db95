import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Behaviour, type SeenRequest, startOpenAiServer } from '../../support/openai-server.ts'
import { makeQuestions, QUICK, Scene, TASKS } from './scene.ts'

const byPrompt =
  (behaviours: Readonly<Record<string, Behaviour>>) =>
  ({ prompt }: SeenRequest): Behaviour =>
    behaviours[prompt] ?? { kind: 'answer' }

describe('the files', () => {
  test('hold each answer in LiveBench’s schema, by task, sorted by question id', async () => {
    await using scene = await Scene.with(makeQuestions(12))
    await using server = await startOpenAiServer({
      alias: 'stand-in',
      behave: () => ({ kind: 'answer', tokens: ['one ', 'two ', 'three'], tokenMs: 2, cachedTokens: 1 }),
    })
    await scene.answer(server)
    const answers = await scene.answers()
    expect(answers.map(each => each.question_id).sort()).toEqual(
      scene.questions.map(each => each.question_id).sort(),
    )
    for (const place of TASKS) {
      const ids = (await readFile(scene.answerFile(place), 'utf8'))
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).question_id)
      expect(ids).toEqual([...ids].sort())
      expect(ids).toHaveLength(4)
    }
    expect(answers[0]).toEqual({
      question_id: expect.any(String),
      answer_id: expect.stringMatching(/^[2-9A-HJ-NP-Za-km-z]{22}$/),
      model_id: 'Qwen-Coder',
      choices: [{ index: 0, turns: ['one two three'] }],
      tstamp: expect.any(Number),
      total_time_s: expect.any(Number),
      total_output_tokens: 3,
      total_input_tokens: 2,
      total_cached_tokens: 1,
      cost_usd: null,
      api_info: {
        provider: server.apiBase,
        api_name: 'stand-in',
        api_kwargs: { temperature: 0, max_tokens: 4096 },
      },
      ttft_s: expect.any(Number),
      tokens_per_second: expect.any(Number),
    })
    expect(new Set(answers.map(each => each.answer_id)).size).toBe(12)
  })

  test('have the questions beside them, and are read again as a source', async () => {
    await using scene = await Scene.with(makeQuestions(6))
    await using server = await startOpenAiServer({ alias: 'stand-in' })
    await scene.answer(server)
    const copy = path.join(scene.dir, 'data/live_bench/math/math_comp/question.jsonl')
    const asked = (await readFile(copy, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(asked).toEqual(scene.questions.filter(each => each.task === 'math_comp'))
    await scene.answer(server, { questions: scene.dir, displayName: 'other' })
    expect(await scene.answers('other')).toHaveLength(6)
  })

  test('come with a summary for the report', async () => {
    await using scene = await Scene.with(makeQuestions(8))
    const behave = byPrompt({ 'prompt 3': { kind: 'status', status: 400 } })
    await using server = await startOpenAiServer({ alias: 'stand-in', behave })
    const { summary } = await scene.answer(server)
    const file = JSON.parse(await readFile(path.join(scene.dir, 'answer-qwen-coder.json'), 'utf8'))
    expect(file).toEqual(summary)
    expect(summary).toMatchObject({
      model: 'Qwen-Coder',
      questions: 8,
      answeredBefore: 0,
      errors: 1,
      outputTokens: 28,
      inputTokens: 14,
    })
    expect(summary.wallSeconds).toBeCloseTo((summary.endedAt - summary.startedAt) / 1000)
    expect(summary.throughput).toBeCloseTo(28 / summary.wallSeconds, 2)
  })
})

describe('the requests', () => {
  test('ask as LiveBench does', async () => {
    await using scene = await Scene.with(makeQuestions(1, { system_prompt: 'Be brief.' }))
    await using server = await startOpenAiServer({ alias: 'stand-in' })
    await scene.answer(server, { maxTokens: '77' })
    expect(server.requests.map(({ body }) => body)).toEqual([
      {
        model: 'stand-in',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'prompt 0' },
        ],
        temperature: 0,
        max_tokens: 77,
        stream: true,
        stream_options: { include_usage: true },
      },
    ])
    expect(server.requests[0]?.authorization).toBe('Bearer EMPTY')
  })

  test('keep the conversation over several turns, without the reasoning', async () => {
    await using scene = await Scene.with(makeQuestions(1, { turns: ['first', 'second'] }))
    const behave = ({ prompt }: SeenRequest) =>
      ({ kind: 'answer', reasoning: [`r-${prompt} `], tokens: [`a-${prompt}`] }) as const
    await using server = await startOpenAiServer({ alias: 'stand-in', behave })
    await scene.answer(server)
    expect(server.requests[1]?.body.messages).toEqual([
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'a-first' },
      { role: 'user', content: 'second' },
    ])
    const answer = await scene.only()
    expect(answer.choices).toEqual([
      { index: 0, turns: ['a-first', 'a-second'], reasoning: 'r-first r-second ' },
    ])
    expect(answer.total_output_tokens).toBe(4)
  })

  test('fill the server and no more, over connections that stay open', async () => {
    await using scene = await Scene.with(makeQuestions(30))
    await using server = await startOpenAiServer({
      alias: 'stand-in',
      behave: () => ({ kind: 'answer', delayMs: 10 }),
    })
    await scene.answer(server, { parallel: '5' })
    expect(server.mostOpen()).toBe(5)
    expect(Math.max(...server.requests.map(each => each.connection))).toBeLessThanOrEqual(5)
  })

  test('do not count a connection that the server closed against its word as trouble', async () => {
    await using scene = await Scene.with(makeQuestions(20))
    await using server = await startOpenAiServer({
      alias: 'stand-in',
      behave: () => ({ kind: 'answer', closes: true }),
    })
    const { summary, log } = await scene.answer(server, { parallel: '2', limits: { ...QUICK, retries: 1 } })
    expect(summary.errors).toBe(0)
    expect(server.requests).toHaveLength(20)
    expect(log.join()).not.toMatch(/retr|again/)
  })

  test('end for a prompt on which the server hangs up each time, while others are answered', async () => {
    await using scene = await Scene.with(makeQuestions(40))
    const behave = byPrompt({ 'prompt 5': { kind: 'cut' } })
    await using server = await startOpenAiServer({ alias: 'stand-in', behave })
    const { summary } = await scene.answer(server)
    expect(summary.errors).toBe(1)
    const times = server.requests.filter(({ prompt }) => prompt === 'prompt 5').length
    // One more when its first request went over a connection that had served before.
    expect(times).toBeGreaterThan(QUICK.retries)
    expect(times).toBeLessThanOrEqual(QUICK.retries + 2)
  })

  test('leave out what the benchmark name does not select', async () => {
    await using scene = await Scene.with(makeQuestions(9))
    await using server = await startOpenAiServer({ alias: 'stand-in' })
    const { summary } = await scene.answer(server, {
      benchmarks: ['live_bench/math', 'live_bench/reasoning/spatial'],
    })
    expect(summary.questions).toBe(6)
    await expect(scene.answer(server, { benchmarks: ['live_bench/maths'] })).rejects.toMatchObject({
      name: 'InputError',
    })
  })
})

describe('asked again', () => {
  test('a finished run asks nothing, and keeps the figures of the first', async () => {
    await using scene = await Scene.with(makeQuestions(5))
    await using server = await startOpenAiServer({ alias: 'stand-in' })
    await scene.answer(server)
    const [lines, figures] = [
      await scene.lines(),
      await readFile(path.join(scene.dir, 'answer-qwen-coder.json'), 'utf8'),
    ]
    const { summary, log } = await scene.answer(server)
    expect(server.requests).toHaveLength(5)
    expect(summary).toMatchObject({ questions: 5, answeredBefore: 5, throughput: 0 })
    expect(await scene.lines()).toEqual(lines)
    expect(await readFile(path.join(scene.dir, 'answer-qwen-coder.json'), 'utf8')).toBe(figures)
    expect(log).toEqual(['asking stand-in 0 questions, 5 answered before', 'answered 5 of 5'])
  })

  test('errors stay as they are, unless failures are to be retried', async () => {
    await using scene = await Scene.with(makeQuestions(6))
    let broken = true
    const behave = ({ prompt }: SeenRequest): Behaviour =>
      broken && /[14]$/.test(prompt) ? { kind: 'status', status: 400 } : { kind: 'answer' }
    await using server = await startOpenAiServer({ alias: 'stand-in', behave })
    expect((await scene.answer(server)).summary.errors).toBe(2)
    broken = false
    expect((await scene.answer(server)).summary.errors).toBe(2)
    expect(server.requests).toHaveLength(6)
    expect((await scene.answer(server, { retryFailures: true })).summary).toMatchObject({
      errors: 0,
      answeredBefore: 4,
    })
    expect(server.requests).toHaveLength(8)
    const answers = await scene.answers()
    expect(answers).toHaveLength(6)
    expect(answers.every(each => each.eval_status === undefined)).toBe(true)
  })

  test('a file with a torn end and a broken line in it', async () => {
    await using scene = await Scene.with(makeQuestions(6))
    await using server = await startOpenAiServer({ alias: 'stand-in' })
    await scene.answer(server)
    const file = scene.answerFile(TASKS[0])
    const [first, second] = (await readFile(file, 'utf8')).split('\n')
    await writeFile(file, `${first}\n{"question_id": broken\n${second?.slice(0, 40)}`)
    const { log } = await scene.answer(server)
    expect(server.requests).toHaveLength(7)
    expect(log[0]).toBe('1 line of the answer files hold no answer: they are left out')
    expect(await scene.answers()).toHaveLength(6)
  })
})

test('an abort stops new requests, leaves whole lines and says how to go on', async () => {
  await using scene = await Scene.with(makeQuestions(30))
  const stop = new AbortController()
  const behave = (_: SeenRequest, nth: number): Behaviour => {
    if (nth === 12) stop.abort()
    return { kind: 'answer', delayMs: 5 }
  }
  await using server = await startOpenAiServer({ alias: 'stand-in', behave })
  const failure = await scene.answer(server, {}, { signal: stop.signal }).catch((error: Error) => error)
  expect(failure).toMatchObject({ name: 'LmrunError', message: /^stopped after \d+ of 30 questions$/ })
  expect(server.requests.length).toBeLessThan(20)
  const kept = await scene.answers()
  expect(kept.length).toBeGreaterThan(0)
  const before = server.requests.length
  await scene.answer(server)
  expect(server.requests.length - before).toBe(30 - kept.length)
  expect(await scene.answers()).toHaveLength(30)
})

test('a server that is gone for a moment is waited for', async () => {
  await using scene = await Scene.with(makeQuestions(10))
  const first = await startOpenAiServer({ alias: 'stand-in' })
  await first.close()
  let second: Awaited<ReturnType<typeof startOpenAiServer>> | undefined
  const log = (line: string) => {
    if (line.startsWith('trying again'))
      void startOpenAiServer({ alias: 'stand-in', port: first.port }).then(it => (second = it))
  }
  const limits = { ...QUICK, retries: 8, backoffMs: 20, maxBackoffMs: 500 }
  const { summary } = await scene.answer(first, { limits }, { log })
  expect(summary).toMatchObject({ questions: 10, errors: 0 })
  await second?.close()
})
