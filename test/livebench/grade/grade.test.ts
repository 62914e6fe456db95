import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { gradeCommand } from '../../../src/cli/grade.ts'
import { InputError } from '../../../src/errors.ts'
import {
  checkGraded,
  type GradeOptions,
  type GradeSummary,
  gradeAnswers,
} from '../../../src/livebench/grade/grade.ts'
import { judgmentFile } from '../../../src/livebench/grade/judgments.ts'
import { loadQuestions, taskFolder, writeQuestions } from '../../../src/livebench/questions.ts'
import type { Judgment, Question } from '../../../src/livebench/types.ts'
import { codeBlock, functional, question, rows, signal, temporaryFolder, writeAnswers } from './support.ts'

const id = (digit: string) => digit.repeat(64)
const asked: readonly Question[] = [
  question({ question_id: id('b'), ground_truth: '4' }),
  question({ question_id: id('a'), ground_truth: '5' }),
  question({
    question_id: id('c'),
    category: 'math',
    task: 'math_comp',
    subtask: 'aime',
    ground_truth: '042',
  }),
]
const texts = ['**4**', '**4**', 'It is 042']
const spatial = (dir: string) => judgmentFile(path.join(dir, 'data/live_bench/reasoning/spatial'))

async function prepared(questions = asked, answers = texts) {
  const folder = await temporaryFolder()
  await writeQuestions(folder.path, questions)
  await writeAnswers(folder.path, 'qwen', questions, answers)
  return folder
}

async function grade(
  dir: string,
  fields: Partial<GradeOptions> = {},
): Promise<{ summary: GradeSummary; lines: string[] }> {
  const lines: string[] = []
  const log = (line: string) => void lines.push(line)
  const options = { dir, model: 'Qwen', questions: asked, parallel: 2, signal, log, ...fields }
  return { summary: await gradeAnswers(options), lines }
}

test('judgments have the schema of LiveBench, sorted', async () => {
  await using folder = await prepared()
  const { summary, lines } = await grade(folder.path)
  expect(summary).toEqual({
    graded: 3,
    skipped: 0,
    graderErrors: 0,
    missing: 0,
    sandbox: [],
    warnings: [],
    unverified: [],
  })
  expect(lines).toEqual(['graded 1 of 3', 'graded 2 of 3', 'graded 3 of 3'])
  const written = await rows<Judgment>(spatial(folder.path))
  const common = { task: 'spatial', model: 'qwen', category: 'reasoning', tstamp: expect.any(Number) }
  expect(written).toEqual([
    { ...common, question_id: id('a'), score: 0, answer_id: 'qwen-aaaaaaaa' },
    { ...common, question_id: id('b'), score: 1, answer_id: 'qwen-bbbbbbbb' },
  ])
  expect(Object.keys(written[0] ?? {})).toEqual([
    ...['question_id', 'task', 'model', 'score', 'tstamp', 'category', 'answer_id'],
  ])
  const [math] = await rows<Judgment>(judgmentFile(path.join(folder.path, 'data/live_bench/math/math_comp')))
  expect(math).toMatchObject({ score: 1, subtask: 'aime' })
  expect(await readdir(path.dirname(spatial(folder.path)))).toEqual(['ground_truth_judgment.jsonl'])
})

test('what was judged is skipped; a new answer and a failed grader are done again', async () => {
  await using folder = await prepared()
  await grade(folder.path)
  const before = await readFile(spatial(folder.path), 'utf8')
  expect((await grade(folder.path)).summary).toMatchObject({ graded: 0, skipped: 3 })
  expect(await readFile(spatial(folder.path), 'utf8')).toBe(before)
  const [first = '', second = ''] = before.split('\n')
  const failed = { ...JSON.parse(first), score: 0, eval_status: 'eval_error', error_msg: 'no python' }
  await writeFile(spatial(folder.path), `${JSON.stringify(failed)}\n${second.replace('qwen-b', 'older-b')}\n`)
  expect((await grade(folder.path)).summary).toMatchObject({ graded: 2, skipped: 1 })
  expect(await rows<Judgment>(spatial(folder.path))).toMatchObject([
    { score: 0 },
    { score: 1, answer_id: 'qwen-bbbbbbbb' },
  ])
})

test('a line that was cut off is dropped, and rows of others stay as they are', async () => {
  await using folder = await prepared()
  const other = `{"question_id": "${id('a')}", "model": "other", "score": 1.0, "more": NaN}`
  await mkdir(path.dirname(spatial(folder.path)), { recursive: true })
  await writeFile(spatial(folder.path), `${other}\n{"question_id": "${id('b')}", "mod`)
  await grade(folder.path)
  const lines = (await readFile(spatial(folder.path), 'utf8')).split('\n')
  expect(lines).toHaveLength(4)
  expect(lines[0]).toBe(other)
  expect(lines.at(-1)).toBe('')
})

test('a whole last line without its end stays', async () => {
  await using folder = await prepared()
  await mkdir(path.dirname(spatial(folder.path)), { recursive: true })
  await writeFile(spatial(folder.path), `{"question_id": "x", "model": "other", "score": 1}`)
  await grade(folder.path)
  expect(await rows<Judgment>(spatial(folder.path))).toHaveLength(3)
})

test('a broken line elsewhere is refused, and stays', async () => {
  await using folder = await prepared()
  await mkdir(path.dirname(spatial(folder.path)), { recursive: true })
  await writeFile(spatial(folder.path), 'broken\n{"question_id": "x", "model": "other"}\n')
  await expect(grade(folder.path)).rejects.toThrow(`${spatial(folder.path)}:1 is not a judgment`)
  expect(await readFile(spatial(folder.path), 'utf8')).toContain('broken')
})

test('the last answer to a question counts, one that was cut off does not, and what is missing is said', async () => {
  await using folder = await prepared(asked.slice(0, 2))
  await writeAnswers(folder.path, 'qwen', [asked[1] ?? question({})], ['**5**'])
  const file = path.join(folder.path, 'data/live_bench/reasoning/spatial/model_answer/qwen.jsonl')
  await appendFile(file, '{"question_id": "')
  const { summary, lines } = await grade(folder.path)
  expect(lines[0]).toBe('1 of 3 questions have no answer of Qwen')
  expect(summary).toMatchObject({ graded: 2, missing: 1 })
  expect(await rows<Judgment>(spatial(folder.path))).toMatchObject([{ score: 1 }, { score: 1 }])
})

test('a kind without a grader is an error of the grader, not of the answer', async () => {
  const zebra = question({ question_id: id('d'), task: 'zebra_puzzle' })
  await using folder = await prepared([zebra], ['x'])
  const { summary } = await grade(folder.path, { questions: [zebra] })
  expect(summary.graderErrors).toBe(1)
  expect(await rows<Judgment>(judgmentFile(taskFolder(folder.path, zebra)))).toMatchObject([
    { score: 0, eval_status: 'eval_error', error_msg: 'no grader for reasoning/zebra_puzzle' },
  ])
  expect(() => checkGraded(summary)).toThrow('all 1 graders failed')
  expect(() => checkGraded({ ...summary, graded: 2 })).not.toThrow()
})

test('grade.json says what kept code apart, and what is unverified', async () => {
  const coding = { ...functional('3'), question_id: id('e') }
  const amc = question({
    question_id: id('f'),
    category: 'math',
    task: 'math_comp',
    subtask: 'amc12',
    ground_truth: 'A',
  })
  await using folder = await prepared([coding, amc], [codeBlock('def f(n):\n    return n'), 'AAAAA'])
  const { summary, lines } = await grade(folder.path, { questions: [coding, amc] })
  const { sandbox, warnings, unverified } = JSON.parse(
    await readFile(path.join(folder.path, 'grade.json'), 'utf8'),
  )
  expect(sandbox).toContain('rlimits')
  expect(sandbox).toEqual(summary.sandbox)
  expect(unverified).toEqual(['math_comp (amc)'])
  expect(lines.filter(line => line.startsWith('warning: '))).toEqual(
    warnings.map((warning: string) => `warning: ${warning}`),
  )
  expect(await rows<Judgment>(judgmentFile(taskFolder(folder.path, coding)))).toMatchObject([{ score: 1 }])
})

test('an abort stops, and leaves what was graded in order', async () => {
  await using folder = await prepared()
  const stop = new AbortController()
  const log = (line: string) => line === 'graded 1 of 3' && stop.abort()
  await expect(grade(folder.path, { parallel: 1, signal: stop.signal, log })).rejects.toThrow(/abort/i)
  expect(await rows<Judgment>(spatial(folder.path))).toHaveLength(1)
  expect((await grade(folder.path)).summary).toMatchObject({ graded: 2, skipped: 1 })
})

test('two models may be graded side by side, though they share files', async () => {
  const many = Array.from({ length: 40 }, (_, i) => question({ question_id: `q${i}`, ground_truth: '4' }))
  await using folder = await temporaryFolder()
  await writeQuestions(folder.path, many)
  const models = ['one', 'two', 'three']
  for (const model of models)
    await writeAnswers(
      folder.path,
      model,
      many,
      many.map(() => '**4**'),
    )
  await Promise.all(models.map(model => grade(folder.path, { model, questions: many, parallel: 3 })))
  const written = await rows<Judgment>(spatial(folder.path))
  expect(written.filter(row => row.score === 1)).toHaveLength(120)
  expect(new Set(written.map(row => `${row.question_id} ${row.model}`)).size).toBe(120)
})

describe('lmrun grade', () => {
  afterEach(() => void vi.restoreAllMocks())

  async function run(...args: string[]): Promise<string[]> {
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation(line => void lines.push(String(line)))
    await gradeCommand().exitOverride().parseAsync(args, { from: 'user' })
    return lines
  }

  async function problems(...args: string[]): Promise<string> {
    const error = await run(...args).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(InputError)
    return error instanceof Error ? error.message : ''
  }

  test('grades the questions that lie in the folder', async () => {
    await using folder = await prepared()
    const lines = await run('--model', 'qwen', '--dir', folder.path, '--parallel', '1')
    expect(lines.at(-1)).toBe('graded 3 answers of qwen')
    expect(await rows<Judgment>(spatial(folder.path))).toHaveLength(2)
    expect(await run('--model', 'x', '--model-display-name', 'Qwen', '--dir', folder.path)).toEqual([
      'graded 0 answers of Qwen, 3 were graded before',
    ])
  })

  test('selects by name and release, from another folder', async () => {
    await using folder = await temporaryFolder()
    const smoke = await loadQuestions('smoke', { benchmarks: ['live_bench/reasoning/spatial'] })
    await writeAnswers(
      folder.path,
      'qwen',
      smoke,
      smoke.map(() => '**4**'),
    )
    const flags = [
      '--model',
      'qwen',
      '--dir',
      folder.path,
      '--questions',
      'smoke',
      '--bench-name',
      'live_bench/reasoning/spatial',
    ]
    expect((await run(...flags, '--release', '2024-11-25')).at(-1)).toBe('graded 4 answers of qwen')
    expect((await run(...flags)).at(-1)).toBe('graded 1 answers of qwen, 4 were graded before')
  })

  test('says what is wrong with the flags, all at once', async () => {
    const message = await problems('--parallel', '0', '--livebench-release-option', '2020-01-01')
    expect(message).toContain('--model-display-name: missing')
    expect(message).toContain('--parallel: "0" is not allowed')
    expect(message).toContain('"2020-01-01" is not a LiveBench release')
    expect(message).toContain('2024-06-24')
  })

  test('names the benchmarks that there are', async () => {
    await using folder = await prepared()
    const message = await problems(
      '--model',
      'qwen',
      '--dir',
      folder.path,
      '--bench-name',
      'live_bench/cooking',
    )
    expect(message).toContain('live_bench/cooking')
    expect(message).toContain('live_bench/math/math_comp')
  })

  test('names the files and the models when there is no answer', async () => {
    await using folder = await prepared()
    const message = await problems('--model', 'gpt', '--dir', folder.path)
    expect(message).toContain('no answer of "gpt"')
    expect(message).toContain(
      path.join(folder.path, 'data/live_bench/reasoning/spatial/model_answer/gpt.jsonl'),
    )
    expect(message).toContain('There are answers of qwen')
  })

  test('refuses a folder without questions, and a name that is a path', async () => {
    await using folder = await temporaryFolder()
    expect(await problems('--model', 'qwen', '--dir', folder.path)).toContain('there is no question file in')
    expect(await problems('--model', '../x')).toContain('cannot be a file name')
  })
})

test('an abort while code runs leaves whole files', async () => {
  const coding = Array.from({ length: 6 }, (_, i) => ({ ...functional('3'), question_id: id(String(i)) }))
  await using folder = await prepared(
    coding,
    coding.map(() => codeBlock('import time\ndef f(n):\n    time.sleep(1)\n    return n')),
  )
  const stop = new AbortController()
  const log = (line: string) => line.startsWith('graded 2') && stop.abort()
  await expect(grade(folder.path, { questions: coding, signal: stop.signal, log })).rejects.toThrow(/abort/i)
  const left = await rows<Judgment>(judgmentFile(taskFolder(folder.path, coding[0] ?? question({}))))
  expect(left.length).toBeGreaterThanOrEqual(2)
  expect(left.every(row => row.score === 1)).toBe(true)
})
