import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseEnv } from 'node:util'
import { parseDocument } from 'yaml'
import type { Env } from '../env.ts'
import { InputError } from '../errors.ts'
import { type Given, gather, type PlanFile, type PlanFlags, type Said } from '../mesh/topology/given.ts'

export interface PlanSources {
  readonly flags: PlanFlags
  readonly file: string | null
  /** Where `file` and `.env` are looked for. */
  readonly cwd: string
}

const MAIN = 'AWS_DEFAULT_REGION'

/** @throws InputError for files that cannot be read or are not YAML */
export async function loadGiven({ flags, file, cwd }: PlanSources, env: Env): Promise<Given> {
  const content = file === null ? null : await readPlanFile(path.resolve(cwd, file))
  const given = gather(flags, content, env[MAIN] ? [{ where: MAIN, value: env[MAIN] }] : [])
  return given.main === null ? gather(flags, content, await mainOfDotenv(cwd)) : given
}

async function readPlanFile(file: string): Promise<PlanFile> {
  const name = path.basename(file)
  const text = await readText(file)
  if (text === null) {
    const allowed = 'Give the path of a YAML or JSON file'
    throw new InputError([{ where: name, what: `there is no file ${file}`, allowed }])
  }
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true })
  if (document.errors.length > 0) {
    throw new InputError(
      document.errors.map(({ message }) => ({
        where: name,
        what: `not valid YAML: ${message.split('\n')[0]?.replace(/:$/, '')}`,
        allowed: 'Mend it there',
      })),
    )
  }
  try {
    return { name, content: document.toJS({ maxAliasCount: 100 }) }
  } catch (error) {
    const what = `not usable YAML: ${(error as Error).message}`
    throw new InputError([{ where: name, what, allowed: 'Leave out aliases' }], { cause: error })
  }
}

async function mainOfDotenv(cwd: string): Promise<readonly Said[]> {
  const text = await readText(path.join(cwd, '.env'))
  const value = text === null ? '' : (parseEnv(text)[MAIN] ?? '')
  return value === '' ? [] : [{ where: `.env: ${MAIN}`, value }]
}

/** Null when there is no such file. */
async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    const what = `cannot be read: ${(error as Error).message}`
    throw new InputError([{ where: path.basename(file), what, allowed: 'Make it readable' }], {
      cause: error,
    })
  }
}
