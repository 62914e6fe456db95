import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { type Answer, API_ERROR_OUTPUT, type Question } from '../types.ts'
import { answerPath, writeInFolder } from './folder.ts'

/** What is kept of an answer on disk. */
export interface Stored {
  readonly line: string
  readonly isError: boolean
  readonly error: string | undefined
  readonly outputTokens: number
  readonly inputTokens: number
}

/** Where the answers of one model lie. */
interface Place {
  readonly dir: string
  readonly displayName: string
}

/** One model's answers to the selected questions, a file a task. */
export interface Answers extends Disposable {
  /** Lines that held no answer; dropped when the files are put in order. */
  readonly unreadable: number
  get(question: Question): Stored | undefined
  append(question: Question, answer: Answer): void
  reorganise(): Promise<void>
}

export function openAnswers(questions: readonly Question[], { dir, displayName }: Place): Answers {
  const paths = new Set(questions.map(question => answerPath(dir, question, displayName)))
  const files = new Map([...paths].map(file => [file, AnswerFile.open(file)]))
  const fileOf = (question: Question) => {
    const file = files.get(answerPath(dir, question, displayName))
    if (!file) throw new Error(`${question.question_id} is not among the questions that were opened`)
    return file
  }
  return {
    unreadable: [...files.values()].reduce((sum, file) => sum + file.unreadable, 0),
    get: question => fileOf(question).get(question.question_id),
    append: (question, answer) => fileOf(question).append(answer),
    reorganise: async () => {
      for (const file of files.values()) await file.reorganise()
    },
    [Symbol.dispose]: () => {
      for (const file of files.values()) file[Symbol.dispose]()
    },
  }
}

/** The answers that lie on disk, by question id. */
export function readAnswers(
  questions: readonly Question[],
  { dir, displayName }: Place,
): Map<string, Stored> {
  const stored = new Map<string, Stored>()
  for (const [file, group] of Map.groupBy(questions, question => answerPath(dir, question, displayName))) {
    const { answers } = parseAnswers(readFileSync(file, 'utf8'))
    for (const { question_id: id } of group) {
      const answer = answers.get(id)
      if (answer) stored.set(id, answer)
    }
  }
  return stored
}

/**
 * One model's answers to one task: a file that only grows while answers come in, one whole line at a time, and is put
 * in order at the end. Whatever a killed process left is a readable start for the next.
 */
export class AnswerFile implements Disposable {
  readonly #path: string
  readonly #fd: number
  readonly #answers: Map<string, Stored>
  /** Lines that held no answer; dropped when the file is put in order. */
  readonly unreadable: number

  private constructor(file: string, fd: number, content: Parsed) {
    this.#path = file
    this.#fd = fd
    this.#answers = content.answers
    this.unreadable = content.unreadable
  }

  /** Opens the file for appending, made with its folder when it is not there. A line cut short at its end is dropped. */
  static open(file: string): AnswerFile {
    mkdirSync(path.dirname(file), { recursive: true })
    const fd = openSync(file, 'a+')
    repairEnd(fd)
    return new AnswerFile(file, fd, parseAnswers(readFileSync(file, 'utf8')))
  }

  get(questionId: string): Stored | undefined {
    return this.#answers.get(questionId)
  }

  /**
   * On disk before it returns: synchronous, because the write takes microseconds and an answer that was counted must
   * not be lost. A later answer supersedes an earlier one.
   */
  append(answer: Answer): void {
    const line = JSON.stringify(answer)
    const bytes = Buffer.from(`${line}\n`)
    let written = 0
    while (written < bytes.length) written += writeSync(this.#fd, bytes, written)
    this.#answers.set(answer.question_id, stored(answer, line))
  }

  /** The last answer to each question, sorted by question id, as LiveBench leaves its files. */
  async reorganise(): Promise<void> {
    const sorted = [...this.#answers].sort(([a], [b]) => (a < b ? -1 : 1))
    const text = sorted.map(([, { line }]) => `${line}\n`).join('')
    if (readFileSync(this.#path, 'utf8') !== text) await writeInFolder(this.#path, text)
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}

/** Drops what follows the last newline, unless it is an answer that lacks nothing but the newline. */
function repairEnd(fd: number): void {
  const content = readFileSync(fd)
  const end = content.lastIndexOf('\n') + 1
  if (end === content.length) return
  if (parseLine(content.subarray(end).toString()) === null) ftruncateSync(fd, end)
  else writeSync(fd, '\n')
}

export interface Parsed {
  readonly answers: Map<string, Stored>
  readonly unreadable: number
}

/** The last answer to each question of a file's text. */
export function parseAnswers(text: string): Parsed {
  const answers = new Map<string, Stored>()
  let unreadable = 0
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const answer = parseLine(line)
    if (answer === null) unreadable += 1
    else answers.set(answer.question_id, stored(answer, line))
  }
  return { answers, unreadable }
}

function parseLine(line: string): Answer | null {
  try {
    const parsed = JSON.parse(line) as Answer | null
    return typeof parsed?.question_id === 'string' && Array.isArray(parsed.choices) ? parsed : null
  } catch {
    return null
  }
}

function stored(answer: Answer, line: string): Stored {
  return {
    line,
    isError: answer.choices.some(({ turns }) => turns.includes(API_ERROR_OUTPUT)),
    error: answer.error,
    outputTokens: answer.total_output_tokens ?? 0,
    inputTokens: answer.total_input_tokens ?? 0,
  }
}
