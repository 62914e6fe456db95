import type { ModelScores, Scores } from './types.ts'
import { counted, oneLine, printable } from './wording.ts'

/** With more models than these the table of tasks would be wider than a terminal. */
const TASK_MODELS = 6

/**
 * Scores as a person reads them on a terminal: models by categories, then tasks by models, then why a score is no
 * score. The figure of an invalid model stands in brackets behind that word, so that nobody takes it for one.
 */
export function scoreTable({ models }: Scores): string {
  const named = Object.entries(models)
    .sort(byRank)
    .map(([name, scores]) => ({ name: oneLine(name), scores }))
  if (named.length === 0) return 'No model has an answer or a judgment.\n'
  const parts = [overview(named), named.length <= TASK_MODELS ? tasks(named) : tasksElsewhere, reasons(named)]
  return `${parts.filter(part => part !== '').join('\n\n')}\n`
}

interface Named {
  readonly name: string
  readonly scores: ModelScores
}

const tasksElsewhere = 'Tasks: --json, or fewer models with --model.'

/** Valid ones first, better ones before worse ones. */
function byRank([, a]: [string, ModelScores], [, b]: [string, ModelScores]): number {
  return Number(b.valid) - Number(a.valid) || (b.average ?? -1) - (a.average ?? -1)
}

function overview(models: readonly Named[]): string {
  const categories = namesOf(models, ({ scores }) => scores.categories)
  const header = ['model', 'overall', ...categories.map(oneLine), 'scored', 'validity']
  const rows = models.map(({ name, scores }) => [
    name,
    scores.valid ? figure(scores.average) : `INVALID (${figure(scores.average)})`,
    ...categories.map(category => figure(scores.categories[category])),
    `${scores.questions.scored} of ${scores.questions.expected}`,
    [scores.valid ? 'valid' : 'invalid', flaws(scores)].filter(text => text !== '').join(': '),
  ])
  return align([header, ...rows])
}

function flaws({ questions }: ModelScores): string {
  const { missing, graderErrors, errors, excluded } = questions
  const found = [
    missing > 0 ? `${missing} missing` : '',
    graderErrors > 0 ? counted(graderErrors, 'grader error') : '',
    errors > 0 ? counted(errors, 'error') : '',
    excluded > 0 ? `${excluded} excluded` : '',
  ]
  return found.filter(flaw => flaw !== '').join(', ')
}

function tasks(models: readonly Named[]): string {
  const rows = namesOf(models, ({ scores }) => scores.tasks).map(task => [
    oneLine(task),
    ...models.map(({ scores }) => figure(scores.tasks[task])),
  ])
  return rows.length === 0 ? '' : align([['task', ...models.map(({ name }) => name)], ...rows])
}

function reasons(models: readonly Named[]): string {
  const invalid = models.filter(({ scores }) => !scores.valid)
  const texts = invalid.map(
    ({ name, scores }) =>
      `${name} is INVALID:\n${scores.reasons.map(reason => `  - ${printable(reason)}`).join('\n')}`,
  )
  return texts.join('\n\n')
}

/** The categories or tasks of all models, sorted. */
function namesOf(models: readonly Named[], of: (model: Named) => Readonly<Record<string, number>>): string[] {
  return [...new Set(models.flatMap(model => Object.keys(of(model))))].sort()
}

function figure(value: number | null | undefined): string {
  return typeof value === 'number' ? value.toFixed(1) : '–'
}

/** Columns of equal width: the first and the last to the left, figures to the right. */
function align(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map(row => row[i]?.length ?? 0)))
  const isText = (i: number) => i === 0 || rows[0]?.[i] === 'validity'
  return rows
    .map(row =>
      row.map((cell, i) => (isText(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))),
    )
    .map(row => row.join('  ').trimEnd())
    .join('\n')
}
