import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { isRecord } from '../python-json.ts'
import { type Answer, API_ERROR_OUTPUT } from '../types.ts'
import { readRows } from './jsonl.ts'

/** A model's answers of one task by question id, the last of each; empty when it has none. */
export async function readAnswers(file: string): Promise<Map<string, Answer>> {
  const hint = 'Remove the line, and answer again: only what is missing is asked.'
  const rows = await readRows(file, { is: isAnswer, name: 'an answer', hint })
  return new Map(rows.map(({ value }) => [value.question_id, value]))
}

/** Names of the models that have answers below these task folders, sorted. */
export async function answeringModels(taskFolders: readonly string[]): Promise<string[]> {
  const names = await Promise.all(taskFolders.map(folder => namesIn(path.join(folder, 'model_answer'))))
  return [...new Set(names.flat())].sort()
}

/** What is graded: the last turn of the first choice; undefined when there is no answer to grade. */
export function answerText(answer: Answer): string | undefined {
  const text = answer.choices[0]?.turns.at(-1)
  const failed = answer.error !== undefined || answer.eval_status !== undefined
  return failed || text === undefined || text.trim() === '' || text === API_ERROR_OUTPUT ? undefined : text
}

/** Only a list: a folder that is not there has no names. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    const files = await readdir(folder)
    return files.filter(file => file.endsWith('.jsonl')).map(file => file.slice(0, -'.jsonl'.length))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function isAnswer(
  value: Readonly<Record<string, unknown>>,
): value is Readonly<Record<string, unknown>> & Answer {
  const { question_id: id, choices } = value
  return typeof id === 'string' && Array.isArray(choices) && choices.every(isChoice)
}

function isChoice(choice: unknown): boolean {
  return (
    isRecord(choice) && Array.isArray(choice.turns) && choice.turns.every(turn => typeof turn === 'string')
  )
}
