import { turnsOf } from './answers.ts'
import { modelOf, type TaskFolder } from './files.ts'
import { LineReader, parseLine } from './lines.ts'
import { textOf } from './python-json.ts'
import { type AllRows, type FolderRows, type ReadOptions, readRows } from './rows.ts'
import { bucketOf } from './validity.ts'
import { cut } from './wording.ts'

/** A question for which a model did not get full marks. */
export interface FailedQuestion {
  readonly questionId: string
  readonly task: string
  readonly category: string
  /** 0 to 1; null when there is none (missing, error, grader error). */
  readonly score: number | null
  readonly kind: 'wrong' | 'error' | 'graderError' | 'missing'
  readonly prompt: string
  readonly answer: string
  /** What the grader or the server said. */
  readonly note?: string
}

export interface FailedOptions extends Omit<ReadOptions, 'models'> {
  /** At most so many; what keeps the score from being one comes before wrong answers. */
  readonly limit: number
}

/** Of a prompt and of an answer: enough to see what happened. */
const TEXT_LENGTH = 2000

/** A failed question before its texts are read. */
interface Failed extends Omit<FailedQuestion, 'prompt' | 'answer'> {
  readonly folder: TaskFolder
}

/**
 * The questions that a model missed, with what was asked and answered.
 * @param dir holds `data/live_bench` or `live_bench`
 * @throws InputError for a folder without LiveBench's files or an unknown benchmark
 */
export async function readFailedQuestions(
  dir: string,
  model: string,
  { limit, ...options }: FailedOptions,
): Promise<FailedQuestion[]> {
  const all = await readRows(dir, { ...options, models: [model] })
  const key = model.toLowerCase()
  const failed = all.folders.flatMap(folder => failedIn(folder, key, all))
  const order = ['error', 'graderError', 'missing', 'wrong']
  const first = failed.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)).slice(0, limit)
  const texts = new Map<TaskFolder, Texts>()
  for (const [folder, questions] of Map.groupBy(first, ({ folder }) => folder)) {
    texts.set(folder, readTexts(folder, key, new Set(questions.map(({ questionId }) => questionId))))
  }
  return first.map(({ folder, ...question }) => ({
    ...question,
    prompt: texts.get(folder)?.prompts.get(question.questionId) ?? '',
    answer: texts.get(folder)?.answers.get(question.questionId) ?? '',
  }))
}

function failedIn({ folder, questions, rows }: FolderRows, key: string, { groups }: AllRows): Failed[] {
  const own = rows.get(key)
  return questions.groups.flatMap((group, position): Failed | [] => {
    const bucket = bucketOf(own, position)
    const score = own?.scores[position] ?? Number.NaN
    if (bucket === 'excluded' || (bucket === 'scored' && score >= 1)) return []
    const kind = bucket === 'scored' ? 'wrong' : bucket
    const note = own?.failures.get(position)?.message ?? own?.errors.get(position)
    return {
      folder,
      questionId: questions.ids.text(position),
      ...groups.at(group),
      score: kind === 'wrong' ? score : null,
      kind,
      ...(note === undefined ? {} : { note }),
    }
  })
}

interface Texts {
  readonly prompts: ReadonlyMap<string, string>
  readonly answers: ReadonlyMap<string, string>
}

/** The texts of the wanted questions alone; of several answers the last one. */
function readTexts(folder: TaskFolder, key: string, wanted: ReadonlySet<string>): Texts {
  const reader = new LineReader()
  const read = (
    file: string,
    text: (row: Readonly<Record<string, unknown>>) => string,
    into: Map<string, string>,
  ) =>
    reader.read(file, line => {
      const row = parseLine(line)
      const id = textOf(row?.question_id)
      if (row && id && wanted.has(id)) into.set(id, cut(text(row), TEXT_LENGTH))
    })
  const prompts = new Map<string, string>()
  const answers = new Map<string, string>()
  if (folder.questions) read(folder.questions, promptOf, prompts)
  for (const file of folder.answers) {
    if (modelOf(file).toLowerCase() === key) read(file, row => turnsOf(row).join('\n\n'), answers)
  }
  return { prompts, answers }
}

function promptOf({ turns }: Readonly<Record<string, unknown>>): string {
  const texts: unknown[] = Array.isArray(turns) ? turns : [turns]
  return texts.filter(turn => typeof turn === 'string').join('\n\n')
}
