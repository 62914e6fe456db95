import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AnswerParser, answerError } from '../../src/livebench/answers.ts'
import { IdTable, spanOf } from '../../src/livebench/id-table.ts'
import { JudgmentParser } from '../../src/livebench/judgments.ts'
import type { Line } from '../../src/livebench/lines.ts'
import { parsePython } from '../../src/livebench/python-json.ts'
import { QuestionParser } from '../../src/livebench/question-lines.ts'
import { TextCache } from '../../src/livebench/text-cache.ts'

const texts = new TextCache()
const judgments = new JudgmentParser(texts)
const answers = new AnswerParser(texts)
const questions = new QuestionParser(texts)

/** A line amid other bytes, which must not be read. */
function lineOf(text: string): Line {
  const line = Buffer.from(text)
  const bytes = Buffer.concat([Buffer.from('"]}'), line, Buffer.from('}]"e}')])
  return { bytes, start: 3, end: 3 + line.length, number: 1, unterminated: false }
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'plain',
    'm',
    'a"b',
    '\\',
    '\\"',
    '$ERROR$',
    ' $ERROR$',
    '',
    ' ',
    '\u3000',
    'é',
    '}',
    ']',
    'x'.repeat(200),
  ),
)
const number = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.25, 1e-7, 2, -3),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)
const any = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>,
)

/** An object with these keys in any order, some left out, some others among them. */
function objects(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<[string, unknown][]> {
  const entries = Object.entries(fields).map(([key, value]) => value.map(v => [key, v] as [string, unknown]))
  const other = fc.tuple(fc.oneof(text, fc.constantFrom('score2', 'errors')), any)
  const others = fc.array(other, { maxLength: 3 })
  return fc
    .tuple(fc.tuple(...entries), others, fc.array(fc.nat(20), { maxLength: 2 }))
    .chain(([own, more, drop]) => {
      const kept = own.filter((_, i) => !drop.includes(i))
      const keys = new Set(kept.map(([key]) => key))
      const all = [...kept, ...more.filter(([key]) => !keys.has(key) && keys.add(key))]
      return fc.shuffledSubarray(all, { minLength: all.length })
    })
}

/** JSON text of an object in one of many ways to write it. */
function written(entries: [string, unknown][], space: string, escaped: boolean): string {
  const quote = (value: unknown) => {
    const json = JSON.stringify(value)
    return escaped
      ? json.replace(/[^\x20-\x7e]|\$|p/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
      : json
  }
  const members = entries.map(([key, value]) => `${quote(key)}${space}:${space}${quote(value)}`)
  return `${space}{${space}${members.join(`${space},${space}`)}${space}}${space}`
}

function spans(span: { bytes: Buffer; start: number; end: number } | undefined): string | undefined {
  return span?.bytes.toString('utf8', span.start, span.end)
}

const id = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('q1', 'a'.repeat(64)) }, text)
const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('m', 'math') }, text)
const space = fc.constantFrom('', ' ', '\t ', '\r')

describe('a line read without parsing it', () => {
  test('gives the judgment that parsing gives', () => {
    const fields = {
      question_id: id,
      model: name,
      task: name,
      category: name,
      score: number,
      tstamp: number,
      extra: any,
    }
    fc.assert(
      fc.property(objects(fields), space, fc.boolean(), (entries, between, escaped) => {
        const line = written(entries, between, escaped)
        const row = JSON.parse(line) as Record<string, unknown>
        const found = judgments.parse(lineOf(line))
        const usable =
          row.question_id !== undefined &&
          row.question_id !== '' &&
          row.model !== undefined &&
          row.model !== ''
        expect(found !== undefined).toBe(usable)
        if (!found) return
        expect(spans(found.questionId)).toBe(wellFormed(row.question_id))
        expect({ model: found.model, task: found.task ?? '', category: found.category ?? '' }).toEqual({
          model: row.model,
          task: row.task ?? '',
          category: row.category ?? '',
        })
        expect(found.score).toBe(row.score ?? Number.NaN)
        const inRange =
          typeof row.score === 'number' && ((row.score >= 0 && row.score <= 1) || row.score === -1)
        expect(found.failure === undefined).toBe(inRange)
      }),
      { numRuns: 2000 },
    )
  })

  test('gives the answer that parsing gives', () => {
    const turns = fc.oneof(fc.array(text, { maxLength: 3 }), text, fc.constant(null))
    const choices = fc.oneof(
      fc.array(fc.record({ index: fc.constant(0), turns, reasoning: text }, { requiredKeys: ['turns'] }), {
        maxLength: 2,
      }),
      fc.oneof(text, number, fc.constant(null), fc.array(text), fc.constant({})),
    )
    const fields = { question_id: id, choices, api_info: any, tstamp: number }
    fc.assert(
      fc.property(objects(fields), space, fc.boolean(), (entries, between, escaped) => {
        const line = written(entries, between, escaped)
        const row = JSON.parse(line) as Record<string, unknown>
        const found = answers.parse(lineOf(line))
        expect(found !== undefined).toBe(row.question_id !== undefined && row.question_id !== '')
        if (found)
          expect([spans(found.questionId), found.error]).toEqual([
            wellFormed(row.question_id),
            answerError(row),
          ])
      }),
      { numRuns: 2000 },
    )
  })

  test('gives the question that parsing gives', () => {
    const fields = {
      question_id: id,
      category: name,
      task: name,
      livebench_release_date: name,
      livebench_removal_date: fc.constantFrom('', '2024-11-25'),
      turns: any,
    }
    fc.assert(
      fc.property(objects(fields), space, fc.boolean(), (entries, between, escaped) => {
        const line = written(entries, between, escaped)
        const row = JSON.parse(line) as Record<string, string | undefined>
        const found = questions.parse(lineOf(line))
        expect(found !== undefined).toBe(!!row.question_id)
        if (!found) return
        const { category, task, released, removed } = found
        expect([spans(found.id), category, task, released, removed]).toEqual([
          wellFormed(row.question_id),
          row.category || undefined,
          row.task || undefined,
          row.livebench_release_date || undefined,
          row.livebench_removal_date || undefined,
        ])
      }),
      { numRuns: 1000 },
    )
  })

  const whole =
    '{"question_id": "q", "model": "m", "score": 1, "task": "t", "category": "c", "x": [{"a": "b\\""}]}'

  test('is refused when it is cut off anywhere', () => {
    for (let length = 0; length < whole.length; length++)
      expect(judgments.parse(lineOf(whole.slice(0, length)))).toBeUndefined()
    expect(judgments.parse(lineOf(whole))?.score).toBe(1)
  })

  test.each([
    [`${whole},`],
    [`${whole}}`],
    [whole.replace('1', '1 0')],
    [whole.replace('1', '01')],
    [whole.replace('1', '+1')],
    [whole.replace('1', 'tru')],
    [whole.replace('"m",', '"m"')],
    [whole.replace('"m",', '"m",,')],
    [whole.replace('}]}', '}],}')],
    ['null'],
    ['"text"'],
  ])('is refused when it is not JSON: %s', line => {
    expect(judgments.parse(lineOf(line))).toBeUndefined()
  })

  test('has the last of a key that comes twice', () => {
    const line =
      '{"question_id":"q","model":"m","score":0,"score":1,"task":"t","category":"c","\\u0073core":0.5}'
    expect(judgments.parse(lineOf(line))?.score).toBe(0.5)
  })

  test('has null for what Python writes and JSON does not know', () => {
    expect(parsePython('{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN \\" Infinity"}')).toEqual({
      a: null,
      b: [null, null],
      c: 'NaN " Infinity',
    })
    expect(() => parsePython('{"a": NaNa}')).toThrow(SyntaxError)
  })
})

test('an id table is a list without doubles', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(2000).map(String)), {
        maxLength: 1500,
      }),
      all => {
        const table = new IdTable()
        const seen = new Set<string>()
        for (const one of all) {
          expect(table.add(spanOf(one))).toBe(!seen.has(one))
          seen.add(one)
        }
        expect(table.texts()).toEqual([...seen])
        expect([...seen].map(one => table.find(spanOf(one)))).toEqual([...seen].map((_, i) => i))
        expect(table.find(spanOf('not there'))).toBe(-1)
      },
    ),
    { numRuns: 50 },
  )
})

/** As UTF-8 has it: a lone surrogate cannot be written. */
function wellFormed(value: unknown): string {
  return String(value).toWellFormed()
}
