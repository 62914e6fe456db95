import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { createWorld, SECRET, type ServerMode, type World } from '../support/e2e.ts'
import { expectClean, readReport } from '../support/e2e-checks.ts'

test.each<[ServerMode, readonly RegExp[]]>([
  ['die', [/CUDA out of memory/, /out of memory/i, /exit code 1/]],
  ['fail-setup', [/failed in its setup \(exit code 7\)/, /No space left on device/]],
  ['die-answering', [/the model server of a ended/]],
])('a server that does %s: exit 1, and a comment with the cause and the last lines', async (mode, texts) => {
  await using world = await createWorld()
  const result = await world.run({ servers: { a: mode } })
  expect(result.exitCode, result.stdout).toBe(1)
  const { results, markdown } = await readReport(result)
  expect(results.run.status).toBe('failed')
  expect(world.ours()).toHaveLength(1)
  for (const text of texts) {
    expect(markdown).toMatch(text)
    expect(world.ours()[0]?.body).toMatch(text)
  }
  expect(result.outputs).toMatchObject({ valid: 'false', scores: '{"a":null}' })
  expect(result.annotations.some(({ level }) => level === 'error')).toBe(true)
  expect(result.post?.exitCode).toBe(0)
  await expectClean(world, result)
})

test('the likely cause is named', async () => {
  await using world = await createWorld()
  const result = await world.run({ servers: { a: 'die' } })
  expect(world.ours()[0]?.body).toContain('Likely cause:')
  await expectClean(world, result)
})

test('a secret in the log of a failed server is masked in all that is reported', async () => {
  await using world = await createWorld()
  const result = await world.run({ servers: { a: 'die-with-secret' }, inputs: { secrets: 'HF_TOKEN' } })
  expect(result.exitCode).toBe(1)
  expect(result.masks).toContain(SECRET)
  expect(world.ours()[0]?.body).toContain('401 Unauthorized for a token')
  await expectClean(world, result)
})

test('one model fails, the other has its score', async () => {
  await using world = await createWorld()
  const result = await world.run({ servers: { good: 'serve', bad: 'die' } })
  expect(result.exitCode).toBe(1)
  expect(result.outputs).toMatchObject({ valid: 'false', scores: '{"good":50,"bad":null}' })
  expect(world.ours()).toHaveLength(1)
  await expectClean(world, result)
})

test('a failed run that GitHub refuses the comment of still fails by itself', async () => {
  await using world = await createWorld({
    faults: [{ method: 'GET', path: '', times: 0, action: { kind: 'status', status: 404 } }],
  })
  const result = await world.run({ servers: { a: 'die' } })
  expect(result.exitCode).toBe(1)
  expect((await readReport(result)).markdown).toContain('CUDA out of memory')
  await expectClean(world, result)
})

describe('bad input launches nothing', () => {
  test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['no models', { models: '' }, ['input models']],
    ['models that are no map', { models: 'just text' }, ['input models']],
    ['models that are no YAML', { models: 'a: [' }, ['input models']],
    ['a bad key', { models: '"a b": org/model' }, ['input models', 'a b']],
    ['several at once', { parallel: '0', comment: 'maybe', infra: 'moon' }, ['parallel', 'comment', 'infra']],
    ['a benchmark that is none', { benchmark: 'live_bench/nothing' }, ['live_bench/nothing']],
    ['a template that is not there', { 'server-template': 'nowhere.yaml' }, ['nowhere.yaml']],
    ['questions that are not there', { questions: 'nowhere' }, ['nowhere']],
    ['a secret that is not set', { secrets: 'NOT_SET_ANYWHERE' }, ['NOT_SET_ANYWHERE']],
  ])('%s', async (_, inputs, texts) => {
    await using world = await createWorld()
    const result = await world.run({ inputs })
    expect(result.exitCode, result.stdout).toBe(1)
    const errors = result.annotations.filter(({ level }) => level === 'error').map(({ message }) => message)
    for (const text of texts) expect(errors.join('\n')).toContain(text)
    expect(errors.join('\n')).not.toMatch(/\n\s+at /)
    expect(await launched(world)).toEqual([])
    expect(world.github.requests).toEqual([])
    expect(result.post?.exitCode).toBe(0)
    await expectClean(world, result)
  })
})

/** Folders of VMs, ended ones included. */
async function launched(world: World): Promise<string[]> {
  const folder = path.join(world.folder, 'home', 'vms')
  return existsSync(folder) ? readdir(folder) : []
}
