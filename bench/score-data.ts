/** Files as LiveBench writes them, for bench/score.ts. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const TASKS = 10
const CATEGORIES = 3

/** Writes questions, an answer and a judgment of each for every model: `judgments` in all. */
export function writeData(dir: string, { judgments, models }: { judgments: number; models: number }): void {
  const perTask = judgments / models / TASKS
  for (let task = 0; task < TASKS; task++) {
    const names = { category: `category${task % CATEGORIES}`, task: `task${task}` }
    const folder = path.join(dir, 'data/live_bench', names.category, names.task)
    const ids = Array.from({ length: perTask }, (_, i) =>
      createHash('sha256').update(`${task} ${i}`).digest('hex'),
    )
    const all = Array.from({ length: models }, (_, i) => `model-${i}`)
    write(
      path.join(folder, 'question.jsonl'),
      ids.map(id => question(id, names)),
    )
    write(
      path.join(folder, 'model_judgment/ground_truth_judgment.jsonl'),
      ids.flatMap((id, i) =>
        all.map((name, j) => judgment(id, name, (i * 7 + j * 3) % 5 < 2 ? 1 : 0, names)),
      ),
    )
    for (const name of all)
      write(
        path.join(folder, `model_answer/${name}.jsonl`),
        ids.map(id => answer(id, name)),
      )
  }
}

interface Names {
  readonly category: string
  readonly task: string
}

function question(question_id: string, names: Names): object {
  const turns = [`What is the answer? ${'Think well. '.repeat(25)}`]
  const dates = { livebench_release_date: '2024-11-25', livebench_removal_date: '' }
  return { question_id, ...names, turns, ...dates, ground_truth: '42' }
}

function judgment(question_id: string, model: string, score: number, { category, task }: Names): object {
  return {
    question_id,
    task,
    model,
    score,
    tstamp: 1795490029.65836,
    category,
    answer_id: 'XTUyxJ2ErUYLv39mUS5hFp',
  }
}

function answer(question_id: string, model_id: string): object {
  const turns = ['The "answer" is\n```python\nprint(6 * 7)\n```\nbecause $6 \\cdot 7 = 42$. '.repeat(5)]
  return {
    question_id,
    answer_id: 'XTUyxJ2ErUYLv39mUS5hFp',
    model_id,
    choices: [{ index: 0, turns }],
    tstamp: 1795490024.7491312,
    total_time_s: 0.32,
    total_output_tokens: 133,
    total_input_tokens: 124,
    total_cached_tokens: 12,
    cost_usd: null,
    api_info: { provider: 'http://127.0.0.1:8000/v1', api_name: 'model', api_kwargs: { temperature: 0 } },
  }
}

function write(file: string, rows: readonly object[]): void {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, rows.map(row => `${pythonJson(row)}\n`).join(''))
}

/** With a space behind each colon and comma, as Python's json writes it. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${pythonJson(inner)}`)
  return `{${members.join(', ')}}`
}
