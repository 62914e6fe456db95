import { type Dirent, existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import { InputError, type Problem } from '../errors.ts'
import { nearest } from '../text.ts'
import type { BenchmarkName } from './types.ts'

/** A folder that holds a task's questions, answers or judgments. Paths are absolute or as `dir` was. */
export interface TaskFolder {
  /** `live_bench/<category>/<task>`: the benchmark name that selects it alone. */
  readonly name: string
  readonly questions: string | undefined
  /** Sorted. */
  readonly answers: readonly string[]
  readonly judgments: string | undefined
}

const ROOT = 'live_bench'

/**
 * The task folders below `dir`, sorted by name.
 * @param dir holds `data/live_bench` or `live_bench`
 * @param benchmarks names that select folders (a union); none selects all
 * @throws InputError for a folder without LiveBench's files, and for a name that selects nothing
 */
export function findTaskFolders(dir: string, benchmarks: readonly BenchmarkName[] = []): TaskFolder[] {
  const root = findRoot(dir)
  const folders = [...walk(root, ROOT, new Set())].sort((a, b) => (a.name < b.name ? -1 : 1))
  if (folders.length === 0) throw new InputError([noTasks(root)])
  const wanted = benchmarks.map(name => name.replace(/\/+$/, ''))
  const unknown = wanted.filter(name => !folders.some(folder => isWithin(folder.name, name)))
  if (unknown.length > 0) throw new InputError(unknown.map(name => unknownBenchmark(name, folders)))
  if (wanted.length === 0) return folders
  return folders.filter(folder => wanted.some(name => isWithin(folder.name, name)))
}

/** The model that an answer file belongs to, as LiveBench has it: the file's name. */
export function modelOf(answerFile: string): string {
  return path.basename(answerFile, '.jsonl')
}

function findRoot(dir: string): string {
  if (!isFolder(dir)) {
    const what = existsSync(dir) ? 'is a file' : 'there is no such folder'
    throw new InputError([
      { where: dir, what, allowed: `Give the folder that holds data/${ROOT} or ${ROOT}` },
    ])
  }
  const root = [path.join(dir, 'data', ROOT), path.join(dir, ROOT)].find(isFolder)
  if (root) return root
  const inside = path.resolve(dir).split(path.sep).lastIndexOf(ROOT)
  const parent = path.resolve(dir).split(path.sep).slice(0, inside).join(path.sep) || path.sep
  const allowed =
    inside > 0
      ? `Give the folder that holds ${ROOT}: ${parent}`
      : 'Give the folder in which LiveBench (or lmrun answer) ran'
  throw new InputError([{ where: dir, what: `it holds neither data/${ROOT} nor ${ROOT}`, allowed }])
}

/** Folders with LiveBench's files, at any depth; links are followed, each folder is visited once. */
function* walk(folder: string, name: string, visited: Set<string>): Generator<TaskFolder> {
  const real = realpathSync(folder)
  if (visited.has(real)) return
  visited.add(real)
  const entries = readdirSync(folder, { withFileTypes: true }).filter(entry => !entry.name.startsWith('.'))
  const found = taskFolder(folder, name, entries)
  if (found) yield found
  for (const entry of entries) {
    const inner = path.join(folder, entry.name)
    if (LEAVES.has(entry.name) || !(entry.isDirectory() || (entry.isSymbolicLink() && isFolder(inner))))
      continue
    yield* walk(inner, `${name}/${entry.name}`, visited)
  }
}

const LEAVES: ReadonlySet<string> = new Set(['model_answer', 'model_judgment'])

function taskFolder(folder: string, name: string, entries: readonly Dirent[]): TaskFolder | undefined {
  const names = new Set(entries.map(entry => entry.name))
  const questions = path.join(folder, 'question.jsonl')
  const answers = path.join(folder, 'model_answer')
  const judgments = path.join(folder, 'model_judgment', 'ground_truth_judgment.jsonl')
  const found = {
    name,
    questions: names.has('question.jsonl') ? questions : undefined,
    answers: names.has('model_answer') ? answerFiles(answers) : [],
    judgments: names.has('model_judgment') && existsSync(judgments) ? judgments : undefined,
  }
  return found.questions || found.judgments || found.answers.length > 0 ? found : undefined
}

function answerFiles(folder: string): string[] {
  const files = readdirSync(folder, { withFileTypes: true }).filter(entry => !entry.isDirectory())
  const names = files.map(entry => entry.name).filter(name => name.endsWith('.jsonl') && name !== '.jsonl')
  return names.sort().map(name => path.join(folder, name))
}

function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function isWithin(name: string, benchmark: string): boolean {
  return name === benchmark || name.startsWith(`${benchmark}/`)
}

function noTasks(root: string): Problem {
  return {
    where: root,
    what: 'it holds no question.jsonl, no model_answer/*.jsonl and no model_judgment/ground_truth_judgment.jsonl',
    allowed: `LiveBench keeps them in ${ROOT}/<category>/<task>/`,
  }
}

function unknownBenchmark(name: string, folders: readonly TaskFolder[]): Problem {
  const parts = folders.map(folder => folder.name.split('/'))
  const known = new Set(parts.flatMap(part => part.map((_, depth) => part.slice(0, depth + 1).join('/'))))
  const meant = nearest(name, [...known]) ?? [...known].find(one => one.endsWith(`/${name}`))
  return {
    where: 'benchmark',
    what: `there is no "${name}" here${meant ? `; did you mean "${meant}"?` : ''}`,
    allowed: `It holds ${[...known].sort().join(', ')}`,
  }
}
