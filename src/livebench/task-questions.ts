import type { AnswerParser } from './answers.ts'
import type { Groups } from './average.ts'
import type { TaskFolder } from './files.ts'
import { IdTable, type Span } from './id-table.ts'
import type { JudgmentParser } from './judgments.ts'
import type { LineReader } from './lines.ts'
import type { QuestionParser, QuestionRow } from './question-lines.ts'
import { type Dates, isLive } from './release.ts'
import type { Warnings } from './warnings.ts'

/** The questions of a task folder that a model has to answer, by position. */
export interface TaskQuestions {
  readonly ids: IdTable
  /** The category and task of each: a number of `Groups`. */
  readonly groups: readonly number[]
  /** How many the release does not ask. */
  readonly leftOut: number
  /** Why nobody can say whether these are all, if so. */
  readonly doubt: string | undefined
}

export interface Tools {
  readonly reader: LineReader
  readonly answers: AnswerParser
  readonly judgments: JudgmentParser
  readonly questions: QuestionParser
  readonly groups: Groups
  readonly warnings: Warnings
}

/** Reads the questions of a folder; without a question file, they are what any model answered or was judged on. */
export function readQuestions(folder: TaskFolder, release: string | undefined, tools: Tools): TaskQuestions {
  return folder.questions === undefined
    ? collectQuestions(folder, tools)
    : readQuestionFile(folder, folder.questions, release, tools)
}

function readQuestionFile(
  folder: TaskFolder,
  file: string,
  release: string | undefined,
  { reader, questions, groups, warnings }: Tools,
): TaskQuestions {
  const found = new Found()
  const left = new IdTable()
  let broken = 0
  reader.read(file, line => {
    const question = questions.parse(line)
    if (!question) {
      broken++
      warnings.broken(file, line)
      return
    }
    const { id, category = categoryOf(folder), task = taskOf(folder) } = question
    if (!isLive(datesOf(question), release)) left.add(id)
    else if (!found.add(id, groups.of(category, task))) warnings.duplicate(file, line)
  })
  const doubt =
    broken > 0
      ? `${folder.name}/question.jsonl has ${broken} unreadable line${broken > 1 ? 's' : ''}`
      : undefined
  return { ...found, leftOut: left.size, doubt }
}

function collectQuestions(folder: TaskFolder, { reader, answers, judgments, groups }: Tools): TaskQuestions {
  const found = new Found()
  if (folder.judgments) {
    reader.read(folder.judgments, line => {
      const row = judgments.parse(line)
      if (row)
        found.add(row.questionId, groups.of(row.category ?? categoryOf(folder), row.task ?? taskOf(folder)))
    })
  }
  for (const file of folder.answers) {
    reader.read(file, line => {
      const row = answers.parse(line)
      if (row) found.add(row.questionId, groups.of(categoryOf(folder), taskOf(folder)))
    })
  }
  return { ...found, leftOut: 0, doubt: `there is no ${folder.name}/question.jsonl` }
}

class Found {
  readonly ids = new IdTable()
  readonly groups: number[] = []

  /** False when the id is there already. */
  add(id: Span, group: number): boolean {
    const isNew = this.ids.add(id)
    if (isNew) this.groups.push(group)
    return isNew
  }
}

function datesOf({ released, removed = '' }: QuestionRow): Dates {
  const removal = { livebench_removal_date: removed }
  return released === undefined ? removal : { livebench_release_date: released, ...removal }
}

/** `live_bench/math/AMPS_Hard` is task AMPS_Hard of category math. */
function taskOf(folder: TaskFolder): string {
  return folder.name.split('/').at(-1) ?? folder.name
}

function categoryOf(folder: TaskFolder): string {
  return folder.name.split('/').at(1) ?? taskOf(folder)
}
