import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { type AnswerContext, answerQuestions } from '../../../src/livebench/answer/answer.ts'
import { DEFAULT_LIMITS, type Limits } from '../../../src/livebench/answer/client.ts'
import {
  type AnswerOptions,
  answerOptions,
  type RawAnswerOptions,
} from '../../../src/livebench/answer/options.ts'
import type { Answer, Question } from '../../../src/livebench/types.ts'
import type { OpenAiServer } from '../../support/openai-server.ts'

/** The same waits, a thousand times shorter. */
export const QUICK: Limits = { ...DEFAULT_LIMITS, backoffMs: 2, maxBackoffMs: 10, retries: 3 }

export const TASKS = [
  { category: 'coding', task: 'LCB_generation' },
  { category: 'math', task: 'math_comp' },
  { category: 'reasoning', task: 'spatial' },
] as const

/** `count` questions over three tasks; question n says `prompt n`. */
export function makeQuestions(count: number, overrides: Partial<Question> = {}): Question[] {
  return Array.from({ length: count }, (_, i) => {
    const place = TASKS[i % TASKS.length] ?? TASKS[0]
    return {
      // Not in the order of the numbers, so that sorting by id shows.
      question_id: `${((i * 7919) % 65_536).toString(16).padStart(4, '0')}-${i}`,
      ...place,
      turns: [`prompt ${i}`],
      livebench_release_date: '2024-11-25',
      livebench_removal_date: '',
      ...overrides,
    }
  })
}

/** A folder for one test, with a source of questions in it; gone when the test is over. */
export class Scene implements AsyncDisposable {
  readonly root: string
  readonly questions: readonly Question[]

  private constructor(root: string, questions: readonly Question[]) {
    this.root = root
    this.questions = questions
  }

  static async with(questions: readonly Question[]): Promise<Scene> {
    const root = await mkdtemp(path.join(os.tmpdir(), 'lmrun-answer-'))
    for (const [folder, group] of Map.groupBy(questions, ({ category, task }) => path.join(category, task))) {
      const target = path.join(root, 'source', 'live_bench', folder)
      await mkdir(target, { recursive: true })
      await writeFile(
        path.join(target, 'question.jsonl'),
        group.map(each => `${JSON.stringify(each)}\n`).join(''),
      )
    }
    await mkdir(path.join(root, 'work'))
    return new Scene(root, questions)
  }

  get source(): string {
    return path.join(this.root, 'source')
  }

  /** The working folder of the answering. */
  get dir(): string {
    return path.join(this.root, 'work')
  }

  options(server: Pick<OpenAiServer, 'apiBase'>, overrides: RawAnswerOptions = {}): AnswerOptions {
    return answerOptions({
      model: 'stand-in',
      displayName: 'Qwen-Coder',
      apiBase: server.apiBase,
      questions: this.source,
      dir: this.dir,
      limits: QUICK,
      ...overrides,
    })
  }

  async answer(
    server: Pick<OpenAiServer, 'apiBase'>,
    overrides: RawAnswerOptions = {},
    context: Partial<AnswerContext> = {},
  ) {
    const log: string[] = []
    const signal = new AbortController().signal
    const summary = await answerQuestions(this.options(server, overrides), {
      signal,
      log: line => log.push(line),
      ...context,
    })
    return { summary, log }
  }

  answerFile({ category, task }: Pick<Question, 'category' | 'task'>, name = 'qwen-coder'): string {
    return path.join(this.dir, 'data', 'live_bench', category, task, 'model_answer', `${name}.jsonl`)
  }

  /** All answer lines of all tasks, file after file, as they are. */
  async lines(name = 'qwen-coder'): Promise<string[]> {
    const texts = await Promise.all(
      TASKS.map(place => readFile(this.answerFile(place, name), 'utf8').catch(() => '')),
    )
    return texts.flatMap(text => text.split('\n').filter(line => line !== ''))
  }

  async answers(name = 'qwen-coder'): Promise<Answer[]> {
    return (await this.lines(name)).map(line => JSON.parse(line) as Answer)
  }

  async only(): Promise<Answer> {
    const [answer, ...more] = await this.answers()
    if (!answer || more.length > 0) throw new Error(`${more.length + 1} answers, not one`)
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true })
  }
}
