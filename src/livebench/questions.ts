import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { packageRoot } from '../env.ts'
import { InputError, LmrunError, type Problem } from '../errors.ts'
import { writeAtomically } from '../files.ts'
import { isLive } from './release.ts'
import type { BenchmarkName, Question } from './types.ts'

export interface QuestionFilter {
  /** Several are a union. */
  readonly benchmarks: readonly BenchmarkName[]
  /** Only the questions that this release asks. */
  readonly release?: string
}

/** Category and task become folders, so nothing else may be in their names. */
const folderName = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/
/** A broken file can have a problem a line; nobody reads more than these. */
const MAX_PROBLEMS = 20

/**
 * The questions of a source that the benchmark names select and the release asks, in the order of their files.
 * @param source `smoke` (the package's own questions), or a folder that holds `data/live_bench` or `live_bench`
 * @throws InputError for a source without questions, broken files, an unknown benchmark name, or an empty selection
 */
export async function loadQuestions(source: string, filter: QuestionFilter): Promise<Question[]> {
  const root = questionRoot(source)
  const files = await questionFiles(root)
  if (files.length === 0) throw new InputError([noQuestions(source, root)])
  const contents = await Promise.all(
    files.map(async file => parseQuestions(file, await readFile(file, 'utf8'))),
  )
  const all = contents.flatMap(content => content.questions)
  const problems = [...contents.flatMap(content => content.problems), ...duplicates(all)]
  problems.push(...unknownBenchmarks(filter.benchmarks, all))
  if (problems.length > 0) throw new InputError(problems.slice(0, MAX_PROBLEMS))
  const selected = selectQuestions(all, filter)
  if (selected.length === 0) throw new InputError([nothingSelected(source, filter)])
  return selected
}

/** The questions that a benchmark name covers and the release asks. */
export function selectQuestions(
  questions: readonly Question[],
  { benchmarks, release }: QuestionFilter,
): Question[] {
  return questions.filter(
    question => benchmarks.some(name => benchmarksOf(question).includes(name)) && isLive(question, release),
  )
}

/** The folder of a question's task below `dir`: questions, answers and judgments lie in it. */
export function taskFolder(dir: string, { category, task }: Pick<Question, 'category' | 'task'>): string {
  return path.join(dir, 'data', 'live_bench', category, task)
}

/**
 * Writes the questions where LiveBench keeps them below `dir`, so that scores know what was asked.
 * Questions that are there already stay, and win over a new one with the same id.
 */
export async function writeQuestions(dir: string, questions: readonly Question[]): Promise<void> {
  for (const [folder, group] of Map.groupBy(questions, question => taskFolder(dir, question))) {
    const file = path.join(folder, 'question.jsonl')
    const kept = existsSync(file)
      ? parseQuestions(file, await readFile(file, 'utf8'))
      : { questions: [], problems: [] }
    if (kept.problems.length > 0) throw new InputError(kept.problems.slice(0, MAX_PROBLEMS))
    const known = new Set(kept.questions.map(question => question.question_id))
    const added = group.filter(question => !known.has(question.question_id))
    if (added.length === 0) continue
    await mkdir(folder, { recursive: true })
    const lines = [...kept.questions, ...added].map(question => `${JSON.stringify(question)}\n`)
    await writeAtomically(file, lines.join(''))
  }
}

function questionRoot(source: string): string {
  if (source === 'smoke') return path.join(packageRoot(), 'questions', 'smoke', 'live_bench')
  const inData = path.join(source, 'data', 'live_bench')
  return existsSync(inData) ? inData : path.join(source, 'live_bench')
}

/** `<root>/<category>/<task>/question.jsonl`, sorted. */
async function questionFiles(root: string): Promise<string[]> {
  const categories = await foldersIn(root)
  const tasks = await Promise.all(categories.map(foldersIn))
  return tasks
    .flat()
    .map(folder => path.join(folder, 'question.jsonl'))
    .filter(file => existsSync(file))
    .sort()
}

async function foldersIn(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return []
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter(entry => entry.isDirectory()).map(entry => path.join(folder, entry.name))
  } catch (cause) {
    throw new LmrunError(`cannot read ${folder}`, {
      cause,
      hint: 'Check that it is a folder that you may read.',
    })
  }
}

interface QuestionFile {
  readonly questions: Question[]
  readonly problems: Problem[]
}

function parseQuestions(file: string, text: string): QuestionFile {
  const questions: Question[] = []
  const problems: Problem[] = []
  const folders = {
    category: path.basename(path.dirname(path.dirname(file))),
    task: path.basename(path.dirname(file)),
  }
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const parsed = parseLine(line)
    const what = typeof parsed === 'string' ? parsed : wrongFields(parsed, folders)
    if (typeof parsed === 'string' || what) {
      const allowed =
        "Give LiveBench's schema: one JSON object a line, with question_id, category, task and turns"
      problems.push({ where: `${file}:${index + 1}`, what: what ?? 'not a question', allowed })
    } else {
      questions.push(parsed as unknown as Question)
    }
  }
  return { questions, problems }
}

function parseLine(line: string): Readonly<Record<string, unknown>> | string {
  try {
    const value: unknown = JSON.parse(line)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : 'not a JSON object'
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** What the graders and the answering client stand on is checked; other fields are the graders' own business. */
function wrongFields(value: Readonly<Record<string, unknown>>, folders: Record<'category' | 'task', string>) {
  const { question_id: id, turns } = value
  if (typeof id !== 'string' || id === '') return 'question_id must be a text'
  for (const field of ['category', 'task'] as const) {
    if (value[field] !== folders[field] || !folderName.test(folders[field]))
      return `${field} must be "${folders[field]}", as its folder is named`
  }
  const isText = (turn: unknown) => typeof turn === 'string'
  if (!Array.isArray(turns) || turns.length === 0 || !turns.every(isText))
    return 'turns must be a list of texts'
  for (const field of ['livebench_release_date', 'livebench_removal_date', 'subtask', 'system_prompt']) {
    if (value[field] !== undefined && typeof value[field] !== 'string') return `${field} must be a text`
  }
  return undefined
}

function duplicates(questions: readonly Question[]): Problem[] {
  const groups = Map.groupBy(questions, question => question.question_id)
  return [...groups].flatMap(([id, group]) => {
    if (group.length === 1) return []
    const places = group.map(question => `${question.category}/${question.task}`).join(' and ')
    return [
      {
        where: `question ${id}`,
        what: `is there ${group.length} times, in ${places}`,
        allowed: 'Ids are unique',
      },
    ]
  })
}

/** Every name that selects this question. */
function benchmarksOf({ category, task }: Question): BenchmarkName[] {
  return ['live_bench', `live_bench/${category}`, `live_bench/${category}/${task}`]
}

function unknownBenchmarks(names: readonly BenchmarkName[], questions: readonly Question[]): Problem[] {
  const known = new Set(questions.flatMap(benchmarksOf))
  const allowed = `These questions have: ${[...known].sort().join(', ')}`
  return names
    .filter(name => !known.has(name))
    .map(name => ({ where: 'benchmark', what: `there is no benchmark "${name}"`, allowed }))
}

function noQuestions(source: string, root: string): Problem {
  return {
    where: 'questions',
    what: `there is no question file in ${root}`,
    allowed: `Give "smoke", or a folder (not "${source}") that holds live_bench/<category>/<task>/question.jsonl`,
  }
}

function nothingSelected(source: string, { benchmarks, release }: QuestionFilter): Problem {
  const which = release === undefined ? '' : ` of release ${release}`
  return {
    where: 'questions',
    what: `${source} has no question${which} for ${benchmarks.join(', ')}`,
    allowed: 'Choose another release or benchmark',
  }
}
