import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readScores } from '../../src/livebench/scores.ts'
import type { ModelScores } from '../../src/livebench/types.ts'
import { answer, type LineOf, type TaskFiles, tempDir, writeTree } from './tree.ts'

/** One question of a task as the models left it. */
interface Row {
  readonly question: string
  readonly model: string
  readonly score: number | null
  readonly status: 'eval_error' | undefined
  readonly task: string
  readonly category: string
}

interface Task {
  readonly folder: string
  readonly asked: readonly string[]
  readonly rows: readonly Row[]
  readonly replies: readonly { readonly question: string; readonly model: string; readonly text: string }[]
}

const ids = ['a', 'b', 'c', 'd', 'ключ', 'with "quote"']
const models = ['qwen', 'QWEN', 'Qwen', 'sky', '__proto__']
const score = fc.oneof(fc.constantFrom(0, 1, -1, 0.5, null), fc.double({ min: 0, max: 1, noNaN: true }))

const task = (folder: string): fc.Arbitrary<Task> => {
  const [category = '', own = ''] = folder.split('/')
  return fc.record({
    folder: fc.constant(folder),
    asked: fc.uniqueArray(fc.constantFrom(...ids), { minLength: 1 }),
    rows: fc.array(
      fc.record({
        question: fc.constantFrom(...ids),
        model: fc.constantFrom(...models),
        score,
        status: fc.constantFrom(undefined, undefined, undefined, 'eval_error' as const),
        // The judgment's own category and task are what LiveBench groups by, whatever the folder is.
        task: fc.constantFrom(own, own, own, 'shared'),
        category: fc.constantFrom(category, category, category, 'moved'),
      }),
      { maxLength: 30 },
    ),
    replies: fc.array(
      fc.record({
        question: fc.constantFrom(...ids),
        model: fc.constantFrom('qwen', 'Sky', '__proto__'),
        text: fc.constantFrom('fine', 'fine', '', '  ', '$ERROR$', 'é'),
      }),
      { maxLength: 12 },
    ),
  })
}

const tasks = fc
  .subarray(['math/aime', 'math/shared', 'coding/lcb', 'coding/shared', 'reasoning/spatial'], {
    minLength: 1,
  })
  .chain(folders => fc.tuple(...folders.map(task)))

describe('any tree', () => {
  test('scores as a naive reading of LiveBench’s arithmetic does', async () => {
    await fc.assert(
      fc.asyncProperty(tasks, fc.integer({ min: 0, max: 2 }), async (tree, allowedErrors) => {
        const dir = writeTree(tempDir(), Object.fromEntries(tree.map(task => [task.folder, filesOf(task)])))
        const { scores } = await readScores(dir, { allowedErrors })
        const expected = naive(tree, allowedErrors)
        expect(
          Object.keys(scores.models)
            .map(name => name.toLowerCase())
            .sort(),
        ).toEqual([...expected.keys()].sort())
        for (const [name, found] of Object.entries(scores.models)) {
          const wanted = expected.get(name.toLowerCase())
          expect(found.questions).toEqual(wanted?.questions)
          expect(found.valid).toBe(wanted?.valid)
          expect(found.valid).toBe(found.reasons.length === 0)
          expectClose(flat(found), flat(wanted))
        }
      }),
      { numRuns: 150 },
    )
  })
})

function filesOf({ asked, rows, replies, folder }: Task): TaskFiles {
  const [category, task] = folder.split('/')
  const answers = Map.groupBy(replies, reply => reply.model)
  return {
    questions: asked.map(question_id => ({ question_id, category, task, turns: ['?'] })),
    judgments: rows.map(({ question, status, ...row }) => ({
      question_id: question,
      ...row,
      ...(status ? { eval_status: status } : {}),
    })),
    answers: Object.fromEntries(
      [...answers].map(([model, lines]) => [
        model,
        lines.map(({ question, text }): LineOf => answer(question, text)),
      ]),
    ),
  }
}

/** Everything in memory, everything by filter, as a table would be read. */
function naive(tree: readonly Task[], allowedErrors: number) {
  const names = tree.flatMap(({ rows, replies }) =>
    [...rows, ...replies].map(({ model }) => model.toLowerCase()),
  )
  return new Map([...new Set(names)].map(name => [name, naiveModel(tree, name, allowedErrors)]))
}

function naiveModel(tree: readonly Task[], name: string, allowedErrors: number) {
  const questions = { expected: 0, scored: 0, errors: 0, graderErrors: 0, excluded: 0, missing: 0 }
  const counted: Row[] = []
  for (const { asked, rows, replies } of tree) {
    for (const id of asked) {
      const own = <T extends { question: string; model: string }>(all: readonly T[]) =>
        all.filter(({ question, model }) => question === id && model.toLowerCase() === name).at(-1)
      const row = own(rows)
      const reply = own(replies)?.text.trim()
      questions.expected++
      if (!row) questions.missing++
      else if (row.status || row.score === null) questions.graderErrors++
      else if (reply === '' || reply === '$ERROR$') questions.errors++
      else if (row.score === -1) questions.excluded++
      else questions.scored++
      if (row && row.score !== null && row.score !== -1) counted.push(row)
    }
  }
  const { missing, graderErrors, errors, scored } = questions
  const valid = missing === 0 && graderErrors === 0 && errors <= allowedErrors && scored > 0
  return { questions, valid, ...arithmetic(counted) }
}

function arithmetic(rows: readonly Row[]): Pick<ModelScores, 'average' | 'categories' | 'tasks'> {
  const percent = (some: readonly Row[]) => mean(some.map(row => (row.score ?? Number.NaN) * 100))
  const byTask = Map.groupBy(rows, row => row.task)
  const byCategory = Map.groupBy(rows, row => row.category)
  const categories = [...byCategory].map(
    ([category, some]) =>
      [category, mean([...Map.groupBy(some, row => row.task).values()].map(percent))] as const,
  )
  return {
    average: categories.length === 0 ? null : mean(categories.map(([, value]) => value)),
    categories: Object.fromEntries(categories),
    tasks: Object.fromEntries([...byTask].map(([task, some]) => [task, percent(some)])),
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function flat(
  scores: Pick<ModelScores, 'average' | 'categories' | 'tasks'> | undefined,
): Record<string, number | null> {
  const named = (kind: string, values: object) =>
    Object.entries(values).map(([key, value]) => [`${kind} ${key}`, value])
  return {
    average: scores?.average ?? null,
    ...Object.fromEntries([
      ...named('category', scores?.categories ?? {}),
      ...named('task', scores?.tasks ?? {}),
    ]),
  }
}

function expectClose(found: Record<string, number | null>, wanted: Record<string, number | null>): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort())
  for (const [key, value] of Object.entries(wanted)) {
    if (value === null) expect(found[key]).toBeNull()
    else expect(found[key]).toBeCloseTo(value, 9)
  }
}
