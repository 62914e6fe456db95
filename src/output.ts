import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Problem } from './errors.ts'

/** Folders of an output directory that a run fills; an earlier run's are removed first. */
const FILLED = ['data', 'logs'] as const

/**
 * Refuses an output directory that holds data which lmrun did not put there: a new run would have to remove it,
 * or would mix it with its own.
 */
export async function checkOutput(folder: string, where: string): Promise<Problem | undefined> {
  const taken = FILLED.find(name => existsSync(path.join(folder, name)))
  if (taken === undefined || (await isOurs(folder))) return undefined
  const what = `${folder} holds a folder "${taken}" but no results.json of an earlier run`
  return { where, what, allowed: `Give a folder of its own, or move "${taken}" away: a run replaces it` }
}

export async function prepareOutput(folder: string): Promise<void> {
  for (const name of FILLED) await rm(path.join(folder, name), { recursive: true, force: true })
  await mkdir(path.join(folder, 'logs'), { recursive: true })
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
