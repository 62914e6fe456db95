import { InputError, type Problem } from '../errors.ts'
import type { LaunchRequest, Task } from './fleet.ts'
import { readTemplate, type Template } from './template.ts'

/** A template with the values of its variables: what runs. */
export interface BoundTask {
  readonly template: Template
  readonly envs: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const VM_NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const MAX_VM_NAME = 26
/** A year: longer is a slip of units. */
const MAX_LEASE_MINUTES = 365 * 24 * 60

/**
 * Reads a task's template and gives its variables their values.
 * @param honours what the fleet at hand cannot do of it
 * @throws InputError with every problem of the file, or of what was asked of it
 */
export async function bindTask(
  task: Task,
  honours: (template: Template, names: readonly string[]) => readonly Problem[],
): Promise<BoundTask> {
  const template = await readTemplate(task.template)
  const envs = { ...template.envs, ...task.envs }
  const secrets = { ...template.secrets, ...task.secrets }
  const problems = [
    ...honours(template, [...Object.keys(envs), ...Object.keys(secrets)]),
    ...variableProblems('env', envs, template),
    ...variableProblems('secret', secrets, template),
    ...Object.keys(envs)
      .filter(name => Object.hasOwn(secrets, name))
      .map(name => ({ where: name, what: 'both an env and a secret', allowed: 'Give it as one of them' })),
  ]
  if (problems.length > 0) throw new InputError(problems)
  return { template, envs: given(envs), secrets: given(secrets) }
}

export function isVmName(name: string): boolean {
  return VM_NAME.test(name) && name.length <= MAX_VM_NAME
}

/** What is wrong with a request apart from its template. */
export function requestProblems({ name, leaseMinutes, labels }: LaunchRequest): Problem[] {
  const problems: Problem[] = []
  if (!isVmName(name)) {
    const allowed = `Lowercase letters, digits and -, a letter first, no - at the end, at most ${MAX_VM_NAME} characters`
    problems.push({ where: 'VM name', what: `"${name}"`, allowed })
  }
  if (!leaseOk(leaseMinutes)) problems.push(leaseProblem(leaseMinutes))
  for (const [key, value] of Object.entries(labels)) {
    if (typeof value === 'string') continue
    problems.push({ where: `label ${key}`, what: `a ${typeof value}`, allowed: 'Give text' })
  }
  return problems
}

export function checkLease(leaseMinutes: number): void {
  if (!leaseOk(leaseMinutes)) throw new InputError([leaseProblem(leaseMinutes)])
}

function leaseOk(minutes: number): boolean {
  return minutes > 0 && minutes <= MAX_LEASE_MINUTES
}

function leaseProblem(minutes: number): Problem {
  const allowed = `Minutes above 0, at most ${MAX_LEASE_MINUTES} (a year)`
  return { where: 'lease', what: `${minutes} minutes`, allowed }
}

function variableProblems(
  word: 'env' | 'secret',
  values: Readonly<Record<string, string | null>>,
  template: Template,
): Problem[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const where = template.places.get(`${word}s.${name}`) ?? `${word} ${name}`
    if (!VARIABLE.test(name)) {
      return [{ where, what: 'no variable name', allowed: 'Letters, digits and _, no digit first' }]
    }
    if (value === null) {
      const allowed = word === 'env' ? 'Give it one; for an empty one write ""' : 'Give its value to the run'
      return [{ where, what: `the ${word} ${name} has no value`, allowed }]
    }
    if (value.includes('\0'))
      return [{ where, what: 'a NUL character', allowed: 'Variables cannot hold one' }]
    return []
  })
}

function given(values: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null),
  )
}
