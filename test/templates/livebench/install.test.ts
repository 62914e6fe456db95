import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { Scene } from './scene.ts'

test('two environments beside one checkout, once', async () => {
  await using scene = await Scene.create()
  const first = await scene.setup()
  expect(first, first.err).toMatchObject({ code: 0 })
  expect(first.out).toContain(`LiveBench ${scene.liveBench.commit} of `)
  const log = await scene.read('uv.log')
  expect(log).toMatch(/pip install .*answers\/bin\/python openai httpx .*datasets/)
  expect(log).toMatch(/pip install .*grading\/bin\/python -r .*checkout\/pyproject\.toml/)
  expect(log).toMatch(/pip install .*grading\/bin\/python -r .*code_runner\/requirements_eval\.txt/)
  // Others' lines may be between these: both are made at the same time.
  expect(log).toMatch(/^-m spacy download en_core_web_sm$/m)
  expect(log).toMatch(/^-m nltk\.downloader .*punkt/m)
  expect(await scene.setup()).toMatchObject({ code: 0 })
  expect(await scene.read('uv.log')).toBe(log)
})

test('refuses a commit that is not there, and a checkout that was changed', async () => {
  await using scene = await Scene.create()
  const missing = await scene.setup({ LIVEBENCH_COMMIT: 'b0fb577be60ea5ba6e3e677a84af127c893af0ef' })
  expect(missing.code).not.toBe(0)
  expect(await scene.setup()).toMatchObject({ code: 0 })
  await scene.put('opt/checkout/livebench/common.py', 'ERROR = 0\n')
  const changed = await scene.setup()
  expect(changed).toMatchObject({ code: 1 })
  expect(changed.err).toContain(`must be ${scene.liveBench.commit}`)
})

test('an environment that could not be made fails the setup, and is made the next time', async () => {
  await using scene = await Scene.create()
  const marker = await scene.put('no-index', 'pip')
  const failed = await scene.setup()
  expect(failed).toMatchObject({ code: 1 })
  expect(failed.err).toContain('no such index')
  expect(failed.err).toContain("LiveBench's grading environment could not be installed")
  const smoke = { SERVER: 'm', BENCHMARK: 'live_bench', QUESTIONS: 'smoke' }
  expect((await scene.run({ ...smoke, STEP: 'prepare' })).err).toMatch(
    /is not there: the template's setup makes it/,
  )
  expect((await scene.run({ ...smoke, STEP: 'answer' })).err).toContain(
    'there are no questions in data/live_bench',
  )
  await scene.put('no-index', 'nltk')
  expect((await scene.setup()).err).toContain('nltk could not fetch tokenizers/punkt_tab')
  await rm(marker)
  expect(await scene.setup()).toMatchObject({ code: 0 })
  const prepared = await scene.run({ ...smoke, STEP: 'prepare' })
  expect(prepared.out).toMatch(/release 2026-01-08, \d\d questions/)
})
