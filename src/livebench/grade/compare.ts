/** Comparing outputs of programs with the expected ones, as LiveCodeBench does. */

/**
 * JSON outputs: lists in order, objects by key, numbers by value (true is 1, as in Python), tuples are lists.
 * Not taken over from LiveCodeBench: there, the first element of the expected list alone is right as well.
 */
export function sameJson(expected: string, output: string): boolean {
  try {
    return same(parse(expected), parse(output))
  } catch {
    return false
  }
}

/** JSON.parse, but integers beyond what a number holds stay exact. */
function parse(text: string): unknown {
  return JSON.parse(text, (_key, value, context?: { source?: string }) => {
    const source = context?.source
    const isBig = typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
    return isBig ? BigInt(source ?? 0) : value
  })
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a === 'boolean' || typeof b === 'boolean')
    return isScalar(a) && isScalar(b) && Number(a) === Number(b)
  if (a === b) return true
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && same(a[key], b[key]))
  )
}

function isScalar(value: unknown): boolean {
  return typeof value === 'boolean' || typeof value === 'number'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Printed outputs: line by line without outer blanks and empty lines; numbers that are not both integers may be close. */
export function sameText(expected: string, output: string): boolean {
  const [a, b] = [lines(expected), lines(output)]
  return a.length === b.length && a.every((line, i) => line === b[i] || sameTokens(line, b[i] ?? ''))
}

function lines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== '')
}

function sameTokens(a: string, b: string): boolean {
  const [left, right] = [a.split(/\s+/), b.split(/\s+/)]
  return (
    left.length === right.length &&
    left.every((token, i) => token === right[i] || areClose(token, right[i] ?? ''))
  )
}

/** The tolerance of numpy's allclose. */
function areClose(expected: string, output: string): boolean {
  const float = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/
  const integer = /^[-+]?\d+$/
  if (!float.test(expected) || !float.test(output)) return false
  if (integer.test(expected) && integer.test(output)) return false
  return Math.abs(Number(expected) - Number(output)) <= 1e-8 + 1e-5 * Math.abs(Number(expected))
}
