import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { readScores, type ScoreOptions } from '../../src/livebench/scores.ts'
import type { ModelScores } from '../../src/livebench/types.ts'

export const fixture = path.join(import.meta.dirname, '../fixtures/livebench/run1')

/** A line of a file: an object, or text as it stands. */
export type LineOf = Readonly<Record<string, unknown>> | string

/** The files of one task; what is left out is not written. */
export interface TaskFiles {
  readonly questions?: readonly LineOf[] | string
  readonly judgments?: readonly LineOf[] | string
  /** By the name of the answer file, without .jsonl. */
  readonly answers?: Readonly<Record<string, readonly LineOf[] | string>>
}

/** A folder that is gone after the test. */
export function tempDir(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'lmrun-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Writes LiveBench's files; `tasks` is by `<category>/<task>`. */
export function writeTree(
  dir: string,
  tasks: Readonly<Record<string, TaskFiles>>,
  root = 'data/live_bench',
): string {
  for (const [name, { questions, judgments, answers = {} }] of Object.entries(tasks)) {
    const folder = path.join(dir, root, name)
    mkdirSync(folder, { recursive: true })
    if (questions !== undefined) writeLines(path.join(folder, 'question.jsonl'), questions)
    if (judgments !== undefined)
      writeLines(path.join(folder, 'model_judgment/ground_truth_judgment.jsonl'), judgments)
    for (const [model, lines] of Object.entries(answers))
      writeLines(path.join(folder, `model_answer/${model}.jsonl`), lines)
  }
  return dir
}

/** A tree in a temporary folder. */
export function tree(tasks: Readonly<Record<string, TaskFiles>>): string {
  return writeTree(tempDir(), tasks)
}

export function question(id: string, fields: Readonly<Record<string, unknown>> = {}): LineOf {
  return {
    question_id: id,
    category: 'math',
    task: 'aime',
    turns: [`What is ${id}?`],
    livebench_release_date: '2024-06-24',
    livebench_removal_date: '',
    ...fields,
  }
}

export function judgment(id: string, score: unknown, fields: Readonly<Record<string, unknown>> = {}): LineOf {
  return {
    question_id: id,
    task: 'aime',
    model: 'm',
    score,
    tstamp: 1795490029.5,
    category: 'math',
    ...fields,
  }
}

export function answer(id: string, turn: string, fields: Readonly<Record<string, unknown>> = {}): LineOf {
  return {
    question_id: id,
    answer_id: `a-${id}`,
    model_id: 'm',
    choices: [{ index: 0, turns: [turn] }],
    tstamp: 1795490024.7,
    total_output_tokens: 5,
    total_input_tokens: 7,
    api_info: {},
    ...fields,
  }
}

/** The scores of one model. */
export async function scoresOf(dir: string, model = 'm', options: ScoreOptions = {}): Promise<ModelScores> {
  const { scores } = await readScores(dir, options)
  const found = scores.models[model]
  if (!found) throw new Error(`no ${model} among ${Object.keys(scores.models)}`)
  return found
}

function writeLines(file: string, lines: readonly LineOf[] | string): void {
  mkdirSync(path.dirname(file), { recursive: true })
  const text = typeof lines === 'string' ? lines : lines.map(line => `${textOf(line)}\n`).join('')
  writeFileSync(file, text)
}

function textOf(line: LineOf): string {
  return typeof line === 'string' ? line : JSON.stringify(line)
}
