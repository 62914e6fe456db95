import { appendFile, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { writeInFolder } from '../answer/folder.ts'
import type { Judgment } from '../types.ts'
import { type Row, readRows } from './jsonl.ts'

export function judgmentFile(taskFolder: string): string {
  return path.join(taskFolder, 'model_judgment', 'ground_truth_judgment.jsonl')
}

/** The judgments of a file, in its order. */
export async function readJudgments(file: string): Promise<Judgment[]> {
  return (await judgmentRows(file)).map(row => row.value)
}

/** Written at once, so that a run that is ended loses nothing that it has graded. */
export async function appendJudgment(file: string, judgment: Judgment): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  await appendFile(file, `${JSON.stringify(judgment)}\n`)
}

/**
 * As LiveBench leaves its files: the last row of each question and model, sorted; other models' rows keep their text.
 * The file is replaced whole, without a last line that was cut off.
 */
export async function reorganizeJudgments(file: string): Promise<void> {
  const rows = await judgmentRows(file)
  if (rows.length === 0) return
  const last = new Map(rows.map(row => [JSON.stringify([row.value.question_id, row.value.model]), row]))
  const sorted = [...last.values()].sort((a, b) => compare(a.value, b.value))
  await writeInFolder(file, sorted.map(row => `${row.line}\n`).join(''))
}

function judgmentRows(file: string): Promise<Row<Judgment>[]> {
  const hint = 'Repair or remove the line, or remove the file to grade all again.'
  return readRows(file, { is: isJudgment, name: 'a judgment', hint })
}

function isJudgment(
  value: Readonly<Record<string, unknown>>,
): value is Readonly<Record<string, unknown>> & Judgment {
  return typeof value.question_id === 'string' && typeof value.model === 'string'
}

function compare(a: Judgment, b: Judgment): number {
  return order(a.question_id, b.question_id) || order(a.model, b.model)
}

/** By code units, as Python sorts; not by locale. */
function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
