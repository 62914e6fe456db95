import type { z } from 'zod'
import type { Problem } from './errors.ts'
import { nearest } from './text.ts'

/** How a wrong option is told: which one, what is wrong with it, what is allowed. */

/** Not given: the default holds. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
}

export function unknownOptions(
  raw: Readonly<Record<string, unknown>>,
  names: readonly string[],
  label: (name: string) => string,
): Problem[] {
  return Object.keys(raw)
    .filter(name => !names.includes(name))
    .map(name => {
      const near = nearest(name, names)
      const allowed = near ? `Did you mean "${near}"?` : `The options are ${names.join(', ')}`
      return { where: label(name), what: 'there is no such option', allowed }
    })
}

export function describe(
  name: string,
  given: unknown,
  error: z.ZodError,
  where: string,
  allowed: string,
): Problem {
  if (isAbsent(given)) return { where, what: 'is required', allowed }
  const place = firstPath(error.issues)
  const inside = place.length > 0 && name === 'models' ? `${where}, at ${place.join('.')}` : where
  const unknown = unknownKeys(error.issues)
  const what = unknown.length > 0 ? `unknown ${unknown.join(', ')}` : `${show(given)} is not allowed`
  return { where: inside, what, allowed }
}

/** A union's issues are nested, one list a member: the most specific place is the deepest path. */
function firstPath(issues: readonly z.core.$ZodIssue[]): PropertyKey[] {
  return issues
    .flatMap(issue => {
      const nested = issue.code === 'invalid_union' ? issue.errors.map(firstPath) : []
      return [[...issue.path], ...nested.map(path => [...issue.path, ...path])]
    })
    .reduce((deepest, path) => (path.length > deepest.length ? path : deepest), [])
}

function unknownKeys(issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap(issue => {
    if (issue.code === 'unrecognized_keys') return issue.keys
    return issue.code === 'invalid_union' ? issue.errors.flatMap(unknownKeys) : []
  })
}

function show(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value)
  return json.length > 120 ? `${json.slice(0, 117)}…` : json
}
