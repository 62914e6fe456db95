import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reportCommand } from '../../src/cli/report.ts'
import { InputError, LmrunError } from '../../src/errors.ts'
import { readResults } from '../../src/report/read.ts'
import { REPORT_FILES, writeReport } from '../../src/report/write.ts'
import { createResults } from '../support/results.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-report-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('writeReport', () => {
  test('writes three files and leaves no draft', async () => {
    await writeReport(path.join(folder, 'a/b'), createResults())
    expect((await readdir(path.join(folder, 'a/b'))).sort()).toEqual([...REPORT_FILES].sort())
    expect(await readResults(path.join(folder, 'a/b'))).toEqual(createResults())
    expect(await readResults(path.join(folder, 'a/b/results.json'))).toEqual(createResults())
  })

  test('replaces what was there', async () => {
    await writeReport(folder, createResults({ warnings: ['old'] }))
    await writeReport(folder, createResults())
    expect((await readResults(folder)).warnings).toEqual([])
  })

  test('fails with the folder and what to do', async () => {
    await writeFile(path.join(folder, 'file'), '')
    const failed = await writeReport(path.join(folder, 'file/x'), createResults()).catch(error => error)
    expect(failed).toBeInstanceOf(LmrunError)
    expect(failed.message).toContain(path.join(folder, 'file/x'))
    expect(failed.hint).toContain('--output')
    expect(failed.cause).toBeInstanceOf(Error)
  })

  test('leaves no draft behind when a file cannot be replaced', async () => {
    await mkdir(path.join(folder, 'report.md/in-the-way'), { recursive: true })
    await expect(writeReport(folder, createResults())).rejects.toThrow(LmrunError)
    expect((await readdir(folder)).filter(name => name.endsWith('.tmp'))).toEqual([])
  })
})

describe('readResults refuses', () => {
  const { failure: _failure, ...incomplete } = createResults()
  test.each([
    ['a file that is not JSON', '{', 'not JSON'],
    ['a document without a schema', '{}', 'it names no schema'],
    ['JSON that is no document', '[1]', 'it names no schema'],
    ['null', 'null', 'it names no schema'],
    [
      'another schema',
      '{"schema": "lmrun.scores/v1"}',
      'its schema is "lmrun.scores/v1". It must be lmrun.results/v1',
    ],
    [
      'a newer version',
      '{"schema": "lmrun.results/v2"}',
      'This lmrun reads lmrun.results/v1: use a newer lmrun.',
    ],
    ['a missing field', JSON.stringify(incomplete), 'results.json: failure: Invalid input'],
    [
      'a wrong field',
      JSON.stringify({ ...createResults(), vms: [{ name: 1 }] }),
      'results.json: vms.0.name: ',
    ],
  ])('%s', async (_, text, message) => {
    await writeFile(path.join(folder, 'results.json'), text)
    const refused = await readResults(folder).catch(error => error)
    expect(refused).toBeInstanceOf(InputError)
    expect(refused.message).toContain(message)
    expect(refused.message).toContain('results.json')
  })

  test('a path where nothing is', async () => {
    await expect(readResults(path.join(folder, 'none'))).rejects.toThrow(
      'none: there is no such file. Give a results.json',
    )
    await expect(readResults(folder)).rejects.toThrow('results.json: there is no such file')
  })

  test('several things at once', async () => {
    await writeFile(path.join(folder, 'results.json'), JSON.stringify({ schema: 'lmrun.results/v1' }))
    const refused = await readResults(folder).catch(error => error)
    expect(refused.problems.length).toBeGreaterThan(5)
  })
})

describe('lmrun report', () => {
  const run = (...args: string[]) => reportCommand().exitOverride().parseAsync(args, { from: 'user' })

  test('writes the files again', async () => {
    await writeFile(path.join(folder, 'results.json'), JSON.stringify(createResults()))
    await run(folder, '--json', '--output', path.join(folder, 'again'))
    expect((await readdir(path.join(folder, 'again'))).sort()).toEqual([...REPORT_FILES].sort())
    expect(await readFile(path.join(folder, 'again/report.md'), 'utf8')).toContain(
      '### LMRun: `qwen-coder` 58.6',
    )
  })

  test('prints one format at a time', async () => {
    await expect(run(folder, '--html', '--json')).rejects.toThrow(
      '--html --json: only one format can be printed',
    )
  })
})
