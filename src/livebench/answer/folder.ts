import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
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

/** A reader sees the old file or the new one, never a part. */
export async function writeAtomically(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}-${randomUUID()}.tmp`
  try {
    await writeFile(draft, text)
    await rename(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
}
