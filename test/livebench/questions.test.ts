import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { InputError } from '../../src/errors.ts'
import {
  loadQuestions,
  type QuestionFilter,
  taskFolder,
  writeQuestions,
} from '../../src/livebench/questions.ts'
import type { Question } from '../../src/livebench/types.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lmrun-test-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const all: QuestionFilter = { benchmarks: ['live_bench'] }

function question(id: string, fields: Partial<Question> = {}): Question {
  return { question_id: id, category: 'math', task: 'aime', turns: ['?'], ...fields }
}

async function write(folder: string, ...lines: unknown[]): Promise<string> {
  const file = path.join(dir, folder, 'question.jsonl')
  await mkdir(path.dirname(file), { recursive: true })
  const text = lines.map(line => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
  await writeFile(file, `${text}\n`)
  return file
}

async function ids(filter: QuestionFilter = all): Promise<string[]> {
  return (await loadQuestions(dir, filter)).map(one => one.question_id)
}

async function refusal(source = dir, filter = all): Promise<string> {
  const error = await loadQuestions(source, filter).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(InputError)
  return error instanceof Error ? error.message : ''
}

describe('a folder of questions', () => {
  test.each(['live_bench', 'data/live_bench'])('holds %s', async root => {
    await write(`${root}/math/aime`, question('a'), '', question('b'))
    await write(
      `${root}/coding/LCB_generation`,
      question('c', { category: 'coding', task: 'LCB_generation' }),
    )
    expect(await ids()).toEqual(['c', 'a', 'b'])
    expect(await ids({ benchmarks: ['live_bench/math'] })).toEqual(['a', 'b'])
    expect(
      await ids({ benchmarks: ['live_bench/math/aime', 'live_bench/coding', 'live_bench/math'] }),
    ).toEqual(['c', 'a', 'b'])
  })

  test('asks what its release asks', async () => {
    const dates = (released: string, removed = '') => ({
      livebench_release_date: released,
      livebench_removal_date: removed,
    })
    await write(
      'live_bench/math/aime',
      question('old', dates('2024-06-24', '2024-11-25')),
      question('kept', dates('2024-06-24')),
      question('new', dates('2025-04-25')),
      question('undated'),
    )
    expect(await ids()).toEqual(['kept', 'new', 'undated'])
    expect(await ids({ ...all, release: '2024-08-31' })).toEqual(['old', 'kept', 'undated'])
    expect(await ids({ ...all, release: '2024-11-25' })).toEqual(['kept', 'undated'])
  })
})

describe('what is refused', () => {
  test('a folder without questions', async () => {
    expect(await refusal()).toContain(`there is no question file in ${path.join(dir, 'live_bench')}`)
    expect(await refusal(path.join(dir, 'nowhere'))).toContain('nowhere')
  })

  test('every broken line, by file and line', async () => {
    const file = await write(
      'live_bench/math/aime',
      '{"question_id": ',
      '[1]',
      question(''),
      question('a', { category: 'coding' }),
      question('b', { turns: [] }),
      { ...question('c'), turns: [1] },
      { ...question('d'), livebench_removal_date: 5 },
      question('fine'),
    )
    const message = await refusal()
    for (let line = 1; line <= 7; line++) expect(message).toContain(`${file}:${line}: `)
    expect(message).not.toContain(`${file}:8`)
    expect(message).toContain('category must be "math", as its folder is named')
  })

  test('an id that is there twice', async () => {
    await write('live_bench/math/aime', question('a'))
    await write('live_bench/math/amc', question('a', { task: 'amc' }))
    expect(await refusal()).toContain('question a: is there 2 times, in math/aime and math/amc')
  })

  test('an unknown benchmark, with those that are known', async () => {
    await write('live_bench/math/aime', question('a'))
    const message = await refusal(dir, { benchmarks: ['live_bench', 'live_bench/maths', 'math'] })
    expect(message).toContain('there is no benchmark "live_bench/maths"')
    expect(message).toContain('there is no benchmark "math"')
    expect(message).toContain('live_bench, live_bench/math, live_bench/math/aime')
  })

  test('an empty selection', async () => {
    await write('live_bench/math/aime', question('a', { livebench_release_date: '2025-04-25' }))
    expect(await refusal(dir, { ...all, release: '2024-06-24' })).toContain(
      'no question of release 2024-06-24',
    )
  })

  test('any text is questions or a refusal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), async text => {
        await write('live_bench/math/aime', text)
        await loadQuestions(dir, all).catch((error: unknown) => expect(error).toBeInstanceOf(InputError))
      }),
      { numRuns: 50 },
    )
  })
})

describe('writing questions', () => {
  test('they are found again, and what is there stays', async () => {
    const asked = [question('a'), question('b', { category: 'coding', task: 'x' })]
    await writeQuestions(dir, asked)
    await writeQuestions(dir, [question('a', { turns: ['other'] }), question('c')])
    const found = await loadQuestions(dir, all)
    expect(found.map(one => [one.question_id, ...one.turns])).toEqual([
      ['b', '?'],
      ['a', '?'],
      ['c', '?'],
    ])
    const file = path.join(taskFolder(dir, question('a')), 'question.jsonl')
    const before = await readFile(file, 'utf8')
    await writeQuestions(dir, asked)
    expect(await readFile(file, 'utf8')).toBe(before)
  })
})
