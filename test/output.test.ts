import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkOutput, prepareOutput, saveLog } from '../src/output.ts'

const draft = { schema: 'lmrun.results/v1' }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-output-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('takes a folder that is not there, or empty', async () => {
  expect(await checkOutput(path.join(folder, 'new'), 'x')).toBeUndefined()
  expect(await checkOutput(folder, 'x')).toBeUndefined()
})

it("refuses a folder with somebody else's data, and leaves it alone", async () => {
  await mkdir(path.join(folder, 'data'))
  expect(await checkOutput(folder, '--output-directory')).toEqual({
    where: '--output-directory',
    what: `${folder} holds a folder "data" but no results.json of an earlier run`,
    allowed: 'Give a folder of its own, or move "data" away: a run replaces it',
  })
})

it('refuses what is no folder, and what lies below it', async () => {
  const file = path.join(folder, 'file')
  await writeFile(file, '')
  const problem = { where: 'x', what: `${file} is not a folder` }
  expect(await checkOutput(file, 'x')).toMatchObject(problem)
  expect(await checkOutput(path.join(file, 'below'), 'x')).toMatchObject(problem)
})

it('replaces what an earlier run left, also one that was killed', async () => {
  await prepareOutput(folder, draft)
  await saveLog(folder, 'old', ['line'])
  expect(await checkOutput(folder, 'x')).toBeUndefined()
  await prepareOutput(folder, draft)
  expect(await readdir(path.join(folder, 'logs'))).toEqual([])
})

it('does not take a results.json that is not ours for a licence to replace', async () => {
  await mkdir(path.join(folder, 'logs'))
  for (const text of ['not JSON', '[]', 'null', '{"schema": "other"}']) {
    await writeFile(path.join(folder, 'results.json'), text)
    expect(await checkOutput(folder, 'x')).toBeDefined()
  }
})
