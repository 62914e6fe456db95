import { constants, existsSync } from 'node:fs'
import { access, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Problem } from './errors.ts'

/** Folders of an output directory that a run fills; an earlier run's are removed first. */
const FILLED = ['data', 'logs'] as const

/**
 * Refuses an output directory that cannot be written, or that holds data which lmrun did not put there: a new run
 * would have to remove it, or would mix it with its own.
 */
export async function checkOutput(folder: string, where: string): Promise<Problem | undefined> {
  const obstacle = await whyNotWritable(path.resolve(folder))
  if (obstacle) return { where, what: obstacle, allowed: 'Give the path of a folder that can be written' }
  const taken = FILLED.find(name => existsSync(path.join(folder, name)))
  if (taken === undefined || (await isOurs(folder))) return undefined
  const what = `${folder} holds a folder "${taken}" but no results.json of an earlier run`
  return { where, what, allowed: `Give a folder of its own, or move "${taken}" away: a run replaces it` }
}

/** Looks at the folder, or at the nearest one above it that is there. */
async function whyNotWritable(folder: string): Promise<string | undefined> {
  try {
    if (!(await stat(folder)).isDirectory()) return `${folder} is not a folder`
    await access(folder, constants.W_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const parent = path.dirname(folder)
    if ((code === 'ENOENT' || code === 'ENOTDIR') && parent !== folder) return whyNotWritable(parent)
    return `${folder} cannot be written (${code})`
  }
}

/**
 * Empties the folder of an earlier run's files and writes the draft of the results, which says whose folder it is
 * from now on, also when this run should be killed.
 */
export async function prepareOutput(folder: string, draft: object): Promise<void> {
  for (const name of FILLED) await rm(path.join(folder, name), { recursive: true, force: true })
  await mkdir(path.join(folder, 'logs'), { recursive: true })
  await writeFile(path.join(folder, 'results.json'), `${JSON.stringify(draft, null, 2)}\n`)
}

/** Where logs and notes of the run's jobs are kept. */
export function inLogs(folder: string, name: string): string {
  return path.join(folder, 'logs', name)
}

export async function saveLog(folder: string, name: string, lines: readonly string[]): Promise<void> {
  await writeFile(inLogs(folder, `${name}.log`), lines.map(line => `${line}\n`).join(''))
}

/** A JSON file that a job left, or undefined when it is not there or not JSON. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}

async function isOurs(folder: string): Promise<boolean> {
  const results = (await readJson(path.join(folder, 'results.json'))) as { schema?: unknown } | undefined
  return String(results?.schema ?? '').startsWith('lmrun.results/')
}
