import { existsSync } from 'node:fs'
import path from 'node:path'
import pLimit from 'p-limit'
import { InputError, LmrunError } from '../../errors.ts'
import { answerPath, writeInFolder } from '../answer/folder.ts'
import { withLock } from '../lock.ts'
import { taskFolder } from '../questions.ts'
import type { Answer, Judgment, Question } from '../types.ts'
import { answeringModels, answerText, readAnswers } from './answers.ts'
import type { GradeContext } from './grader.ts'
import { appendJudgment, judgmentFile, readJudgments, reorganizeJudgments } from './judgments.ts'
import { findGrader, unverifiedTasks } from './registry.ts'
import { probeSandbox, sandboxWarnings } from './sandbox/probe.ts'
import { stripThinking } from './text.ts'

export interface GradeOptions {
  /** The folder that holds `data/live_bench`. */
  readonly dir: string
  /** The model's display name. */
  readonly model: string
  /** What to grade; answers to other questions are left alone. */
  readonly questions: readonly Question[]
  /** Graders at a time. */
  readonly parallel: number
  readonly signal: AbortSignal
  /** Gets lines of progress and warnings. */
  readonly log: (line: string) => void
}

/** What `<dir>/grade.json` holds, for the report. */
export interface GradeRecord {
  /** Layers of the sandbox that held; empty when nothing ran code. */
  readonly sandbox: readonly string[]
  readonly warnings: readonly string[]
  /** Kinds of questions whose graders have not been compared with LiveBench's. */
  readonly unverified: readonly string[]
}

export interface GradeSummary extends GradeRecord {
  readonly graded: number
  /** Judged before, and the answer is still the same. */
  readonly skipped: number
  readonly graderErrors: number
  /** Questions without an answer. */
  readonly missing: number
}

interface Task {
  readonly question: Question
  readonly answer: Answer
  readonly file: string
}

/**
 * Judges a model's answers and writes the judgments beside them, as LiveBench does. What has been judged is skipped,
 * unless its grader failed; so a run that was ended goes on where it was.
 * @throws InputError when the model has no answer at all
 */
export async function gradeAnswers(options: GradeOptions): Promise<GradeSummary> {
  const { dir, model, questions, signal, log } = options
  const found = await findTasks(options)
  if (found.answered === 0) throw new InputError([await noAnswers(options)])
  const missing = questions.length - found.answered
  if (missing > 0) log(`${missing} of ${questions.length} questions have no answer of ${model}`)
  const runsCode = questions.some(question => findGrader(question)?.runsCode)
  const sandbox = runsCode ? await probeSandbox(signal) : null
  const record: GradeRecord = {
    sandbox: sandbox?.layers ?? [],
    warnings: runsCode ? sandboxWarnings(sandbox) : [],
    unverified: unverifiedTasks(questions),
  }
  for (const warning of record.warnings) log(`warning: ${warning}`)
  const graderErrors = await gradeTasks(found.tasks, options, { sandbox, signal })
  await writeInFolder(path.join(dir, 'grade.json'), `${JSON.stringify(record, null, 2)}\n`)
  return {
    ...record,
    graded: found.tasks.length,
    skipped: found.answered - found.tasks.length,
    graderErrors,
    missing,
  }
}

async function gradeTasks(
  tasks: readonly Task[],
  options: GradeOptions,
  context: GradeContext,
): Promise<number> {
  const { dir, model, parallel, log } = options
  const limit = pLimit(parallel)
  let done = 0
  let graderErrors = 0
  await reorganizeAll(options)
  try {
    const gradings = tasks.map(task =>
      limit(async () => {
        const judgment = await judge(task, model, context)
        // Not given up for an abort: it is graded, and written at once.
        await withLock(dir, neverAborted, () => appendJudgment(task.file, judgment))
        if (judgment.eval_status) graderErrors++
        log(`graded ${++done} of ${tasks.length}${judgment.error_msg ? `: ${judgment.error_msg}` : ''}`)
      }),
    )
    await settleAll(gradings)
  } finally {
    await reorganizeAll(options)
  }
  return graderErrors
}

const neverAborted = new AbortController().signal

async function reorganizeAll({ dir, questions }: GradeOptions): Promise<void> {
  const files = new Set(questions.map(question => judgmentFile(taskFolder(dir, question))))
  await withLock(dir, neverAborted, async () => {
    for (const file of files) if (existsSync(file)) await reorganizeJudgments(file)
  })
}

/** Waits for all before it fails with the first failure: none may still write when the files are put in order. */
async function settleAll(promises: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises)
  const failed = results.find(result => result.status === 'rejected')
  if (failed) throw failed.reason
}

async function judge({ question, answer }: Task, model: string, context: GradeContext): Promise<Judgment> {
  context.signal.throwIfAborted()
  const verdict = await gradeAnswer(question, answer, context)
  return {
    question_id: question.question_id,
    task: question.task,
    model: model.toLowerCase(),
    score: verdict.score,
    tstamp: Date.now() / 1000,
    category: question.category,
    ...(verdict.error === undefined ? {} : { eval_status: 'eval_error', error_msg: verdict.error }),
    answer_id: answer.answer_id,
    ...(question.subtask === undefined ? {} : { subtask: question.subtask }),
  }
}

export interface Verdict {
  readonly score: number
  /** Why the grader failed; says nothing of the answer. */
  readonly error?: string
}

/** Judges one answer. An answer that is an error gets 0, as LiveBench has it; a grader that fails is not a 0. */
export async function gradeAnswer(
  question: Question,
  answer: Answer,
  context: GradeContext,
): Promise<Verdict> {
  const text = answerText(answer)
  if (text === undefined) return { score: 0 }
  const grader = findGrader(question)
  if (!grader)
    return { score: 0, error: `no grader for ${question.category}/${question.subtask ?? question.task}` }
  try {
    return { score: await grader.grade(question, stripThinking(text), context) }
  } catch (error) {
    context.signal.throwIfAborted()
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return { score: 0, error: said }
  }
}

async function findTasks({
  dir,
  model,
  questions,
}: GradeOptions): Promise<{ tasks: Task[]; answered: number }> {
  const tasks: Task[] = []
  let answered = 0
  for (const [answersFile, group] of Map.groupBy(questions, question => answerPath(dir, question, model))) {
    const file = judgmentFile(path.dirname(path.dirname(answersFile)))
    const answers = await readAnswers(answersFile)
    const judged = await judgedAnswers(file, model)
    for (const question of group) {
      const answer = answers.get(question.question_id)
      if (!answer) continue
      answered++
      if (judged.get(question.question_id) !== answer.answer_id) tasks.push({ question, answer, file })
    }
  }
  return { tasks, answered }
}

/** Question → the answer that was judged; judgments of graders that failed are done again. */
async function judgedAnswers(file: string, model: string): Promise<Map<string, string | undefined>> {
  const judgments = (await readJudgments(file)).filter(judgment => judgment.model === model.toLowerCase())
  const last = new Map(judgments.map(judgment => [judgment.question_id, judgment]))
  const sound = [...last].filter(([, { answer_id: id, eval_status: status }]) => id !== undefined && !status)
  return new Map(sound.map(([id, judgment]) => [id, judgment.answer_id]))
}

async function noAnswers({ dir, model, questions }: GradeOptions) {
  const folders = [...new Set(questions.map(question => taskFolder(dir, question)))]
  const models = await answeringModels(folders)
  const files = [...new Set(questions.map(question => answerPath(dir, question, model)))]
  return {
    where: '--model-display-name',
    what: `there is no answer of "${model}": looked for ${listed(files)}`,
    allowed:
      models.length > 0
        ? `There are answers of ${models.join(', ')}`
        : 'No model has answers; run lmrun answer first',
  }
}

/** A file each task may be too many to read. */
function listed(files: readonly string[]): string {
  const shown = files.slice(0, 3).join(', ')
  return files.length > 3 ? `${shown} and ${files.length - 3} more` : shown
}

/** @throws LmrunError when every grader failed: then the machine is at fault, and no answer */
export function checkGraded({ graded, graderErrors }: GradeSummary): void {
  if (graded === 0 || graderErrors < graded) return
  throw new LmrunError(`all ${graded} graders failed`, { hint: 'Read error_msg in the judgments.' })
}
