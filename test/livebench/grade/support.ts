import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gradeAnswer, type Verdict } from '../../../src/livebench/grade/grade.ts'
import { probeSandbox, type Sandbox } from '../../../src/livebench/grade/sandbox/probe.ts'
import { taskFolder } from '../../../src/livebench/questions.ts'
import type { Answer, Question } from '../../../src/livebench/types.ts'

export const signal = new AbortController().signal

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))
}

export async function rows<T>(file: string): Promise<T[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as T)
}

export function question(fields: Partial<Question>): Question {
  return { question_id: 'q1', category: 'reasoning', task: 'spatial', turns: ['?'], ...fields }
}

export function answer(text: string, fields: Partial<Answer> = {}): Answer {
  const choices = [{ index: 0, turns: [text] }]
  return { question_id: 'q1', answer_id: 'a1', model_id: 'm', choices, tstamp: 1, ...fields }
}

export function codeBlock(code: string): string {
  return `\`\`\`python\n${code}\n\`\`\``
}

/** A functional question with one hidden test: what `f(3)` is. */
export function functional(output: string, input = '3'): Question {
  const test = JSON.stringify([{ input, output, testtype: 'functional' }])
  return question({
    category: 'coding',
    task: 'LCB_generation',
    public_test_cases: '[]',
    private_test_cases: test,
    original_json: { metadata: '{"func_name": "f"}' },
  })
}

/** A program that reads standard input, with one hidden test. */
export function program(input: string, output: string): Question {
  const test = JSON.stringify([{ input, output, testtype: 'stdin' }])
  return question({
    category: 'coding',
    task: 'LCB_generation',
    public_test_cases: '[]',
    private_test_cases: test,
    original_json: { metadata: '{}' },
  })
}

/** Unit tests of a function `f`. */
export function tested(...assertions: string[]): Question {
  const methods = assertions.map((line, i) => `    def test_${i}(self):\n        ${line}\n`).join('')
  return question({
    category: 'coding',
    task: 'code_generation',
    entry_point: 'f',
    code_prompt: 'def f(n):\n',
    tests: `import unittest\nclass TestCases(unittest.TestCase):\n${methods}`,
    expected_time: 1,
  })
}

let found: Promise<Sandbox | null> | undefined

/** The best sandbox of this machine. */
export function sandbox(): Promise<Sandbox | null> {
  found ??= probeSandbox(signal)
  return found
}

export async function verdictOf(asked: Question, text: string): Promise<Verdict> {
  return await gradeAnswer(asked, answer(text), { sandbox: await sandbox(), signal })
}

export async function scoreOf(asked: Question, text: string): Promise<number> {
  const { score, error } = await verdictOf(asked, text)
  if (error !== undefined) throw new Error(error)
  return score
}

/** A folder that goes when the scope ends. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-test-'))
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

export async function writeAnswers(
  dir: string,
  model: string,
  asked: readonly Question[],
  texts: readonly string[],
) {
  for (const [index, one] of asked.entries()) {
    const folder = path.join(taskFolder(dir, one), 'model_answer')
    await mkdir(folder, { recursive: true })
    const id = `${model}-${one.question_id.slice(0, 8)}`
    const row = answer(texts[index] ?? '', { question_id: one.question_id, answer_id: id, model_id: model })
    await writeFile(path.join(folder, `${model}.jsonl`), `${JSON.stringify(row)}\n`, { flag: 'a' })
  }
}
