import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { InputError } from '../../../src/errors.ts'
import {
  errorMessage,
  parseRetryAfter,
  redact,
  statusFailure,
} from '../../../src/livebench/answer/failure.ts'
import { answerOptions, type RawAnswerOptions } from '../../../src/livebench/answer/options.ts'
import { progressLine } from '../../../src/livebench/answer/progress.ts'
import { shortUuid, tokensPerSecond } from '../../../src/livebench/answer/record.ts'
import type { Completion } from '../../../src/livebench/answer/reply.ts'
import { concernsAll } from '../../../src/livebench/answer/stop.ts'
import { AnswerFile, parseAnswers } from '../../../src/livebench/answer/store.ts'
import type { Answer } from '../../../src/livebench/types.ts'

const GOOD: RawAnswerOptions = { model: 'm', apiBase: 'http://127.0.0.1:8000/v1/' }

describe('options', () => {
  test('have defaults, and an address without its last slash', () => {
    expect(answerOptions(GOOD)).toMatchObject({
      model: 'm',
      displayName: 'm',
      apiBase: 'http://127.0.0.1:8000/v1',
      apiKey: 'EMPTY',
      benchmarks: ['live_bench'],
      questions: 'smoke',
      dir: '.',
      parallel: 4,
      maxTokens: 4096,
      retryFailures: false,
    })
  })

  test.each<[string, RawAnswerOptions, string]>([
    ['no model', { model: ' ' }, '--model: missing'],
    ['no address', { apiBase: undefined }, '--api-base: missing'],
    ['no URL', { apiBase: '127.0.0.1:8000' }, '--api-base: "127.0.0.1:8000" is no URL'],
    ['another protocol', { apiBase: 'ftp://x/v1' }, '--api-base: "ftp://x/v1" is neither http nor https'],
    [
      'a password in the address',
      { apiBase: 'http://u:geheim@x/v1' },
      '--api-base: it has a user, a query or a fragment',
    ],
    [
      'a query in the address',
      { apiBase: 'http://x/v1?key=geheim' },
      '--api-base: it has a user, a query or a fragment',
    ],
    ['parallel 0', { parallel: '0' }, '--parallel: "0" is no positive whole number'],
    ['parallel 1.5', { parallel: '1.5' }, '--parallel: "1.5" is no positive whole number'],
    ['parallel -1', { parallel: '-1' }, '--parallel: "-1" is no positive whole number'],
    ['parallel empty', { parallel: '' }, '--parallel: "" is no positive whole number'],
    ['max-tokens 1e3', { maxTokens: '1e3' }, '--max-tokens: "1e3" is no positive whole number'],
    [
      'a slash in the name',
      { displayName: 'Qwen/Qwen2.5' },
      '--model-display-name: "Qwen/Qwen2.5" cannot be a file name',
    ],
    [
      'the model’s slash',
      { model: 'Qwen/Qwen2.5' },
      '--model-display-name: "Qwen/Qwen2.5" cannot be a file name',
    ],
    ['a way out', { displayName: '..' }, '--model-display-name: ".." cannot be a file name'],
    ['a newline', { displayName: 'a\nb' }, '--model-display-name: "a\\nb" cannot be a file name'],
    ['a long name', { displayName: 'é'.repeat(101) }, '--model-display-name: the name has 202 bytes'],
    [
      'a key of two words',
      { apiKey: 'a b' },
      'LIVEBENCH_API_KEY or OPENAI_API_KEY: it holds a character that no header can',
    ],
  ])('refuse %s', (_, wrong, message) => {
    const refused = () => answerOptions({ ...GOOD, ...wrong })
    expect(refused).toThrow(InputError)
    expect(refused).toThrow(message)
    expect(refused).not.toThrow('geheim')
  })

  test('name all that is wrong at once', () => {
    try {
      answerOptions({ parallel: 'x', maxTokens: 'y', apiBase: 'z' })
      expect.unreachable()
    } catch (error) {
      const places = (error as InputError).problems.map(problem => problem.where)
      expect(places).toEqual(['--model', '--parallel', '--max-tokens', '--api-base'])
    }
  })

  test('never fail otherwise', () => {
    const text = fc.option(fc.string({ unit: 'binary' }), { nil: undefined })
    const raw = fc.record({
      model: text,
      displayName: text,
      apiBase: text,
      apiKey: text,
      parallel: text,
      maxTokens: text,
    })
    fc.assert(
      fc.property(raw, values => {
        try {
          answerOptions(values)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
        }
      }),
    )
  })
})

describe('answer files', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'lmrun-store-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'answers.jsonl')
  const answer = (id: string, text: string): Answer => ({
    question_id: id,
    answer_id: 'a',
    model_id: 'm',
    choices: [{ index: 0, turns: [text] }],
    tstamp: 1,
  })

  test('cut at any byte, keep every whole answer and take the next', () => {
    const whole = [answer('b', 'Grüße 🐈'), answer('a', 'x'), answer('c', '漢')].map(each =>
      JSON.stringify(each),
    )
    const bytes = Buffer.from(whole.map(line => `${line}\n`).join(''))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length }), length => {
        writeFileSync(file, bytes.subarray(0, length))
        {
          using answers = AnswerFile.open(file)
          answers.append(answer('d', 'next'))
        }
        const { answers, unreadable } = parseAnswers(readFileSync(file, 'utf8'))
        expect(unreadable).toBe(0)
        let end = 0
        const kept = whole.filter(line => {
          end += Buffer.byteLength(line)
          return end++ <= length
        })
        expect([...answers.values()].map(({ line }) => line)).toEqual([
          ...kept,
          JSON.stringify(answer('d', 'next')),
        ])
      }),
    )
  })

  test('in order: the last answer to each question, sorted; lines that are none are dropped', async () => {
    const error: Answer = { ...answer('b', '$ERROR$'), error: 'RateLimitError' }
    const lines = [error, answer('c', '1'), answer('a', '1'), answer('b', '2')].map(each =>
      JSON.stringify(each),
    )
    writeFileSync(
      file,
      `${lines.slice(0, 2).join('\n')}\n\n{"question_id": 7}\nnull\nnonsense\n${lines.slice(2).join('\n')}\n`,
    )
    {
      using answers = AnswerFile.open(file)
      expect(answers.unreadable).toBe(3)
      expect(answers.get('b')?.isError).toBe(false)
      await answers.reorganise()
    }
    expect(readFileSync(file, 'utf8')).toBe(`${[lines[2], lines[3], lines[1]].join('\n')}\n`)
  })
})

test('what a server says of its error, in one line without the key', () => {
  const bodies = [
    '{"error": {"message": "no"}}',
    '{"error": "no"}',
    '{"message": "no"}',
    '{"detail": "no"}',
    'no',
    '"no"',
  ]
  expect(bodies.map(errorMessage)).toEqual(bodies.map(() => 'no'))
  expect(errorMessage('{"odd": 1}')).toBe('{"odd": 1}')
  expect(redact('key k-1 and k-1', 'k-1')).toBe('key *** and ***')
  expect(redact('EMPTY is no secret', 'EMPTY')).toBe('EMPTY is no secret')
  const failure = statusFailure(500, `${'a \n'.repeat(500)}`, { key: 'k' })
  expect(failure.message.length).toBeLessThan(310)
  expect(failure.message).not.toContain('\n')
  expect(statusFailure(502, '', { key: 'k' }).message).toBe('502 without a message')
})

test('Retry-After, in seconds or as a date', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT')
  expect(parseRetryAfter('3')).toBe(3000)
  expect(parseRetryAfter('0.5')).toBe(500)
  expect(parseRetryAfter('-1')).toBe(0)
  expect(parseRetryAfter('Wed, 21 Oct 2026 07:28:09 GMT', now)).toBe(9000)
  expect(parseRetryAfter('Wed, 21 Oct 2026 07:27:00 GMT', now)).toBe(0)
  expect([undefined, '', 'soon'].map(value => parseRetryAfter(value))).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('which failures concern all questions', () => {
  const none = { succeeded: 0, succeededMeanwhile: false }
  const some = { succeeded: 3, succeededMeanwhile: true }
  const concerned = [401, 403, 404, 400, 429, 500].map(status => {
    const failure = statusFailure(status, '', { key: '' })
    return [status, concernsAll(failure, none), concernsAll(failure, some)]
  })
  expect(concerned).toEqual([
    [401, true, true],
    [403, true, false],
    [404, true, true],
    [400, false, false],
    [429, false, false],
    [500, false, false],
  ])
})

test('progress, as a line', () => {
  const counts = { total: 44, done: 12, errors: 2, retries: 0, session: 12, elapsedMs: 3900 }
  expect(progressLine(counts)).toBe('answered 12 of 44 (3.1/s, about 10 s left, 2 errors)')
  expect(progressLine({ ...counts, errors: 1, retries: 1 })).toBe(
    'answered 12 of 44 (3.1/s, about 10 s left, 1 error, 1 retry)',
  )
  expect(progressLine({ ...counts, done: 44, session: 44, errors: 0, elapsedMs: 2000 })).toBe(
    'answered 44 of 44 (22/s)',
  )
  expect(progressLine({ ...counts, session: 1, errors: 0, elapsedMs: 60_000 })).toBe(
    'answered 12 of 44 (1.0/min, about 32 min left)',
  )
  expect(progressLine({ ...counts, total: 999, session: 1, errors: 0, elapsedMs: 60_000 })).toContain(
    'about 16.4 h left',
  )
  expect(progressLine({ ...counts, done: 0, session: 0, errors: 0 })).toBe('answered 0 of 44')
})

test('tokens per second leaves out the wait for the first token, and replies that were not streamed', () => {
  const completion = (
    outputTokens: number,
    firstTokenMs: number | null,
    generationMs: number,
  ): Completion => ({
    ...{
      text: 'x',
      reasoning: '',
      finishReason: 'stop',
      inputTokens: 1,
      cachedTokens: 0,
      countedBy: 'usage',
    },
    ...{ outputTokens, firstTokenMs, generationMs },
  })
  expect(tokensPerSecond([completion(101, 5000, 2000)])).toBe(50)
  expect(tokensPerSecond([completion(101, 5000, 2000), completion(51, 10, 1000)])).toBe(50)
  expect(tokensPerSecond([completion(101, 5000, 2000), completion(900, null, 0)])).toBe(50)
  expect(tokensPerSecond([completion(1, 5000, 0)])).toBeNull()
  expect(tokensPerSecond([])).toBeNull()
})

test('answer ids are 22 characters of shortuuid’s alphabet', () => {
  const ids = Array.from({ length: 200 }, shortUuid)
  expect(ids.every(id => /^[2-9A-HJ-NP-Za-km-z]{22}$/.test(id))).toBe(true)
  expect(new Set(ids).size).toBe(200)
})
