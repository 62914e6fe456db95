import { readFile } from 'node:fs/promises'
import { LmrunError } from '../../errors.ts'
import { isRecord, parsePython } from '../python-json.ts'

/** A row of a file, with its text as it was written. */
export interface Row<T> {
  readonly value: T
  readonly line: string
}

interface Kind<T> {
  readonly is: (value: Readonly<Record<string, unknown>>) => value is Readonly<Record<string, unknown>> & T
  /** For messages: "an answer". */
  readonly name: string
  /** What to do about a broken line. */
  readonly hint: string
}

/**
 * The rows of a file; none when there is no file. A last line that was cut off by a kill is left out.
 * @throws LmrunError when another line is broken: nothing that somebody wrote is skipped without a word
 */
export async function readRows<T>(file: string, { is, name, hint }: Kind<T>): Promise<Row<T>[]> {
  const lines = (await readIfThere(file)).split('\n')
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return []
    const value = parse(line)
    if (isRecord(value) && is(value)) return [{ value, line }]
    if (index === lines.length - 1) return []
    throw new LmrunError(`${file}:${index + 1} is not ${name}`, { hint })
  })
}

function parse(line: string): unknown {
  try {
    return parsePython(line)
  } catch {
    return undefined
  }
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
