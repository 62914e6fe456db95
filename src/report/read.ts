import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { InputError } from '../errors.ts'
import type { Results } from './results.ts'
import { RESULTS_SCHEMA, resultsSchema } from './schema.ts'

/** The results of a run, from its `results.json` or the folder that holds it. Anything else is an InputError. */
export async function readResults(target: string): Promise<Results> {
  const isFolder = await stat(target).then(
    stats => stats.isDirectory(),
    () => false,
  )
  const file = isFolder ? path.join(target, 'results.json') : target
  return parseResults(await readText(file), file)
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const what =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? 'there is no such file'
        : `it cannot be read (${String(code ?? cause)})`
    throw new InputError(
      [{ where: file, what, allowed: 'Give a results.json or the folder that holds one, e.g. lmrun-out.' }],
      { cause },
    )
  }
}

/** Parses the text of a `results.json`; `where` names it in refusals. */
export function parseResults(text: string, where: string): Results {
  const document = parseJson(text, where)
  refuseOtherSchema(document, where)
  const parsed = resultsSchema.safeParse(document)
  if (parsed.success) return parsed.data
  throw new InputError(
    parsed.error.issues.map(issue => ({
      where: `${where}: ${issue.path.join('.') || 'the document'}`,
      what: issue.message.replace(/\.$/, ''),
      allowed: 'docs/results.md describes every field.',
    })),
  )
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new InputError(
      [{ where, what: `not JSON: ${reason}`, allowed: 'Give the results.json that lmrun wrote.' }],
      { cause },
    )
  }
}

function refuseOtherSchema(document: unknown, where: string): void {
  const schema =
    typeof document === 'object' && document !== null && 'schema' in document ? document.schema : undefined
  if (schema === RESULTS_SCHEMA) return
  const version = typeof schema === 'string' ? /^lmrun\.results\/v(\d+)$/.exec(schema)?.[1] : undefined
  const isNewer = version !== undefined && Number(version) > 1
  const what = schema === undefined ? 'it names no schema' : `its schema is ${JSON.stringify(schema)}`
  const allowed = isNewer
    ? `This lmrun reads ${RESULTS_SCHEMA}: use a newer lmrun.`
    : `It must be ${RESULTS_SCHEMA}: give the results.json that lmrun wrote.`
  throw new InputError([{ where, what, allowed }])
}
