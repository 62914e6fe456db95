import { setImmediate } from 'node:timers/promises'
import { InputError } from '../errors.ts'
import { type Answered, AnswerParser } from './answers.ts'
import { Groups } from './average.ts'
import { findTaskFolders, modelOf, type TaskFolder } from './files.ts'
import { type GraderFailure, type Judged, JudgmentParser } from './judgments.ts'
import { LineReader } from './lines.ts'
import { QuestionParser } from './question-lines.ts'
import { checkRelease } from './release.ts'
import { readQuestions, type TaskQuestions, type Tools } from './task-questions.ts'
import { TextCache } from './text-cache.ts'
import type { BenchmarkName } from './types.ts'
import { Warnings } from './warnings.ts'

export interface ReadOptions {
  /** `live_bench/<category>[/<task>]`, a union; default: all that is there. */
  readonly benchmarks?: readonly BenchmarkName[]
  /** Only the questions that this release asks; default: all that the newest has not removed. */
  readonly release?: string
  /** Names of models, in any case; default: all. */
  readonly models?: readonly string[]
}

/** What is known of one model's questions in a task folder, by position. Of several lines the last one counts. */
export class Rows {
  /** As it stands in the file, NaN for none. */
  readonly scores: Float64Array
  /** The category and task that the judgment names: a number of `Groups`. */
  readonly groups: Uint32Array
  readonly judged: Uint8Array
  readonly failures = new Map<number, GraderFailure>()
  readonly errors = new Map<number, string>()

  constructor(questions: number) {
    this.scores = new Float64Array(questions).fill(Number.NaN)
    this.groups = new Uint32Array(questions)
    this.judged = new Uint8Array(questions)
  }

  judge(position: number, { score, failure }: Judged, group: number): void {
    this.scores[position] = score
    this.groups[position] = group
    this.judged[position] = 1
    if (failure) this.failures.set(position, failure)
    else this.failures.delete(position)
  }

  answer(position: number, { error }: Answered): void {
    if (error !== undefined) this.errors.set(position, error)
    else this.errors.delete(position)
  }
}

export interface FolderRows {
  readonly folder: TaskFolder
  readonly questions: TaskQuestions
  /** By the model's name in lower case; none when there is nothing of it here. */
  readonly rows: ReadonlyMap<string, Rows>
}

export interface AllRows {
  readonly folders: readonly FolderRows[]
  /** Names as shown, by the name in lower case, which is how LiveBench matches them. */
  readonly models: ReadonlyMap<string, string>
  readonly groups: Groups
  readonly warnings: Warnings
}

/**
 * Reads everything that scores stand on, folder by folder. Lines are not kept: a question of a model takes 13 bytes.
 * @throws InputError for a folder without LiveBench's files or an unknown benchmark or release
 */
export async function readRows(dir: string, options: ReadOptions): Promise<AllRows> {
  const { release, models } = options
  const texts = new TextCache()
  const tools: Tools = {
    reader: new LineReader(),
    answers: new AnswerParser(texts),
    judgments: new JudgmentParser(texts),
    questions: new QuestionParser(texts),
    groups: new Groups(),
    warnings: new Warnings(),
  }
  const known = new Models(models)
  const folders: FolderRows[] = []
  for (const folder of checkedFolders(dir, options)) {
    const questions = readQuestions(folder, release, tools)
    folders.push({ folder, questions, rows: readFolder(folder, questions, known, tools) })
    await setImmediate() // reading is synchronous: signals and timers get their turn here
  }
  const { groups, warnings } = tools
  for (const name of known.absent()) warnings.add(`${dir} has no answer and no judgment of ${name}`)
  return { folders, models: known.names(), groups, warnings }
}

/** Every problem with the options at once. */
function checkedFolders(dir: string, { benchmarks, release }: ReadOptions): TaskFolder[] {
  const wrongRelease = release === undefined ? undefined : checkRelease(release, 'release')
  const problems = wrongRelease ? [wrongRelease] : []
  try {
    const folders = findTaskFolders(dir, benchmarks)
    if (problems.length === 0) return folders
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    problems.push(...error.problems)
  }
  throw new InputError(problems)
}

function readFolder(folder: TaskFolder, questions: TaskQuestions, models: Models, tools: Tools) {
  const rows = new Map<string, Rows>()
  const rowsOf = (model: string): Rows => {
    const found = rows.get(model) ?? new Rows(questions.ids.size)
    if (!rows.has(model)) rows.set(model, found)
    return found
  }
  for (const file of folder.answers) {
    const model = models.answered(modelOf(file))
    if (model !== undefined) readAnswers(file, questions, () => rowsOf(model), tools)
  }
  if (folder.judgments) readJudgments(folder.judgments, questions, models, rowsOf, tools)
  return rows
}

function readAnswers(file: string, { ids }: TaskQuestions, rows: () => Rows, tools: Tools): void {
  const { reader, answers, warnings } = tools
  reader.read(file, line => {
    const row = answers.parse(line)
    if (!row) return warnings.broken(file, line)
    const position = ids.find(row.questionId)
    if (position >= 0) rows().answer(position, row)
  })
}

function readJudgments(
  file: string,
  { ids, groups: own }: TaskQuestions,
  models: Models,
  rowsOf: (model: string) => Rows,
  { reader, judgments, groups, warnings }: Tools,
): void {
  reader.read(file, line => {
    const row = judgments.parse(line)
    if (!row) return warnings.broken(file, line)
    const model = models.judged(row.model)
    const position = ids.find(row.questionId)
    if (model === undefined || position < 0) return
    const { category, task } = groups.at(own[position] ?? 0)
    rowsOf(model).judge(position, row, groups.of(row.category ?? category, row.task ?? task))
  })
}

/** The models that are there, and those of them that were asked for. */
class Models {
  /** By the name as it stands in the files, so that lower case is made once a name. */
  readonly #keys = new Map<string, string | undefined>()
  readonly #names = new Map<string, string>()
  readonly #judged = new Set<string>()
  readonly #wanted: ReadonlyMap<string, string> | undefined

  constructor(wanted: readonly string[] | undefined) {
    if (wanted && wanted.length > 0) this.#wanted = new Map(wanted.map(name => [name.toLowerCase(), name]))
  }

  /** The key of a model that has an answer file; undefined when it was not asked for. */
  answered(name: string): string | undefined {
    const key = this.#keyOf(name)
    if (key !== undefined && !this.#names.has(key)) this.#names.set(key, name)
    return key
  }

  /** The same for a judgment, whose way to write the name is the one that is shown. */
  judged(name: string): string | undefined {
    const key = this.#keyOf(name)
    if (key === undefined || this.#judged.has(key)) return key
    this.#judged.add(key)
    this.#names.set(key, name)
    return key
  }

  /** What was asked for and is not there. */
  absent(): string[] {
    return [...(this.#wanted ?? [])].filter(([key]) => !this.#names.has(key)).map(([, name]) => name)
  }

  /** What is there, then what was asked for and is not. */
  names(): Map<string, string> {
    return new Map([...(this.#wanted ?? []), ...this.#names])
  }

  #keyOf(name: string): string | undefined {
    if (!this.#keys.has(name)) {
      const key = name.toLowerCase()
      this.#keys.set(name, this.#wanted && !this.#wanted.has(key) ? undefined : key)
    }
    return this.#keys.get(name)
  }
}
