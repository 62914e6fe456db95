/** Strings, so that nothing inside of them is touched, or a constant that Python writes and JSON does not have. */
const constants = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g

/**
 * Parses JSON as Python's json module writes it: NaN and Infinity, which JSON does not have, become null.
 * @throws SyntaxError for anything else that is not JSON
 */
export function parsePython(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error
    return JSON.parse(text.replace(constants, found => (found.startsWith('"') ? found : 'null')))
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An id or a name as text, or undefined when there is none; old question ids are numbers. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}
