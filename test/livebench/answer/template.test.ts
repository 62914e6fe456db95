import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { packageRoot } from '../../../src/env.ts'

interface Template {
  readonly envs: Readonly<Record<string, string | null>>
  readonly run: string
}

let folder: string
let template: Template

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lmrun-template-'))
  template = parse(
    await readFile(path.join(packageRoot(), 'templates', 'local', 'livebench-client.yaml'), 'utf8'),
  )
  // Prints its arguments one in brackets each; fails when it is told to.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash.
  const lmrun = '#!/bin/bash\nprintf "[%s]" "$@"; echo\n[ "${FAIL:-}" != "$1" ]\n'
  await writeFile(path.join(folder, 'lmrun'), lmrun, { mode: 0o755 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs the template's script as a VM does. */
function run(envs: Readonly<Record<string, string>>, { PATH = `${folder}:${process.env.PATH}` } = {}) {
  const env = { ...template.envs, SERVER: 'qc-1', MODEL: 'qwen-coder', ...envs, PATH } as Record<
    string,
    string
  >
  return new Promise<{ code: number; out: string; err: string }>(resolve => {
    execFile('/bin/bash', ['--norc', '-c', template.run], { env, cwd: folder }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err })
    })
  })
}

const ANSWER =
  '[answer][--model][qc-1][--model-display-name][qwen-coder][--bench-name][live_bench][--questions][smoke]' +
  '[--api-base][http://qc-1.default.svc.cluster.local:8000/v1][--parallel][4][--max-tokens][4096][--retry-failures]'
const GRADE =
  '[grade][--model][qc-1][--model-display-name][qwen-coder][--bench-name][live_bench][--questions][smoke]'

test('a caller must give the server and the model, nothing else', () => {
  const missing = Object.entries(template.envs).filter(([, value]) => value === null)
  expect(missing.map(([name]) => name)).toEqual(['SERVER', 'MODEL'])
  expect(Object.values(template.envs).every(value => value === null || typeof value === 'string')).toBe(true)
})

test('prepare looks for what is needed and says its versions', async () => {
  const { code, out } = await run({ STEP: 'prepare', SERVER: '', MODEL: '' })
  expect(out).toMatch(/^lmrun \[--version\]\nPython 3\.\d+\.\d+\n$/)
  expect(code).toBe(0)
  const { err, ...missing } = await run({ STEP: 'prepare' }, { PATH: '/nonexistent' })
  expect(missing).toEqual({ code: 1, out: '' })
  expect(err).toContain("lmrun is not on this machine's PATH")
})

test('steps are the commands', async () => {
  expect(await run({ STEP: 'answer' })).toEqual({ code: 0, out: `${ANSWER}\n`, err: '' })
  expect(await run({ STEP: 'grade' })).toEqual({ code: 0, out: `${GRADE}\n`, err: '' })
  expect((await run({ STEP: 'gade' })).code).toBe(2)
})

test('by hand it does all, and stops at what fails', async () => {
  expect((await run({})).out).toMatch(
    /\[--version\]\nPython .*\n\[answer\].*\n\[grade\].*\n\[score\]\[\.\]\n$/,
  )
  const failed = await run({ FAIL: 'answer' })
  expect(failed.code).toBe(1)
  expect(failed.out).not.toContain('[grade]')
})

test('values reach the commands whole', async () => {
  const { out } = await run({
    STEP: 'answer',
    API_BASE: 'http://127.0.0.1:4000/v1',
    BENCHMARK: ' live_bench/coding  live_bench/math ',
    QUESTIONS: '/my questions/$HOME "x" *',
    RELEASE: '2024-11-25',
    PARALLEL: '16',
    MAX_TOKENS: '512',
  })
  expect(out).toContain('[--bench-name][live_bench/coding][live_bench/math]')
  expect(out).toContain('[--questions][/my questions/$HOME "x" *][--livebench-release-option][2024-11-25]')
  expect(out).toContain('[--api-base][http://127.0.0.1:4000/v1][--parallel][16][--max-tokens][512]')
})
