import { createHash } from 'node:crypto'
import { InputError, type Problem } from './errors.ts'
import type { Fleet } from './fleet/fleet.ts'
import { loadQuestions } from './livebench/questions.ts'
import { type BenchOptions, questionFilter } from './options.ts'
import { checkOutput } from './output.ts'
import type { Plan } from './plan.ts'
import { nameClashes } from './run.ts'

/** The questions that a run asks, for its results. */
export interface QuestionSet {
  readonly count: number
  /** Over the sorted question ids, one a line. */
  readonly sha256: string
}

/**
 * Everything that can be refused is refused here, before anything is launched or written.
 * @throws InputError with all problems at once
 */
export async function check(
  options: BenchOptions,
  plan: Plan,
  { fleet, label }: { readonly fleet: Fleet; readonly label: (option: string) => string },
): Promise<QuestionSet> {
  const output = await checkOutput(options.outputDirectory, label('output-directory'))
  const [loaded, ...templates] = await Promise.allSettled([
    loadQuestions(options.questions, questionFilter(options)),
    ...[plan.client, ...plan.models.map(({ server }) => server)].map(request => fleet.check(request)),
  ])
  const problems = [
    ...clashes(Object.keys(options.models), label('models')),
    ...(output ? [output] : []),
    ...[loaded, ...templates].flatMap(problemsOf),
  ]
  if (problems.length > 0 || loaded.status === 'rejected') throw new InputError(unique(problems))
  return summarise(loaded.value.map(question => question.question_id))
}

function clashes(keys: readonly string[], where: string): Problem[] {
  return nameClashes(keys).map(([a, b]) => ({
    where,
    what: `the keys "${a}" and "${b}" would get the same VM name`,
    allowed: 'Make them differ in letters or digits, not only in case or punctuation',
  }))
}

function problemsOf(result: PromiseSettledResult<unknown>): readonly Problem[] {
  if (result.status === 'fulfilled') return []
  if (result.reason instanceof InputError) return result.reason.problems
  throw result.reason
}

/** Two models with one template report its problems twice. */
function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map(problem => [JSON.stringify(problem), problem])).values()]
}

function summarise(ids: readonly string[]): QuestionSet {
  const sha256 = createHash('sha256').update(ids.toSorted().join('\n')).digest('hex')
  return { count: ids.length, sha256 }
}
