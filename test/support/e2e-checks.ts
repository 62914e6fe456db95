/** What must hold after every run of the action, whatever became of it. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'vitest'
import { FORK_TOKEN, SECRET, TOKEN, type World } from './e2e.ts'
import { formsOf } from './leaks.ts'
import type { RunResult } from './runner.ts'

/** Nothing lives, nothing waits to be launched, and no secret stands anywhere that somebody can read. */
export async function expectClean(world: World, result: RunResult): Promise<void> {
  expect(result.orphans).toEqual([])
  expect(world.left()).toEqual([])
  await expectNoSecrets(world, result)
}

export async function expectNoSecrets(world: World, result: RunResult): Promise<void> {
  const steps = [result, ...(result.post ? [result.post] : [])]
  const texts = [
    ...steps.flatMap(({ log, stderr, summary, annotations, outputs, state }) => [
      log,
      stderr,
      summary,
      JSON.stringify([annotations, outputs, state]),
    ]),
    ...world.github.state.comments('acme/widgets', 7).map(({ body }) => body),
    ...(await filesBelow(world.folder)),
  ]
  for (const secret of [TOKEN, FORK_TOKEN, SECRET].flatMap(formsOf)) {
    for (const text of texts) expect(text).not.toContain(secret)
  }
}

/** The report files of a run. */
export async function readReport(result: RunResult) {
  const folder = path.join(result.workspace, 'lmrun-out')
  const read = (name: string) => readFile(path.join(folder, name), 'utf8')
  return {
    markdown: await read('report.md'),
    html: await read('report.html'),
    results: JSON.parse(await read('results.json')),
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  return Promise.all(files.map(({ parentPath, name }) => readFile(path.join(parentPath, name), 'utf8')))
}
