import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { writeAtomically } from '../../files.ts'
import { taskFolder } from '../questions.ts'
import type { Question } from '../types.ts'

/** LiveBench lowercases the name in files, and keeps it as it is in records. */
export function answerPath(
  dir: string,
  question: Pick<Question, 'category' | 'task'>,
  displayName: string,
): string {
  return path.join(taskFolder(dir, question), 'model_answer', `${displayName.toLowerCase()}.jsonl`)
}

export function summaryPath(dir: string, displayName: string): string {
  return path.join(dir, `answer-${displayName.toLowerCase()}.json`)
}

/** Writes the file whole or not at all, in its folder, which is made when it is not there. */
export async function writeInFolder(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  await writeAtomically(file, text)
}
