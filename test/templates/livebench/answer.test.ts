import { execFile } from 'node:child_process'
import { appendFile, readdir, readFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { RELEASES } from '../../../src/livebench/release.ts'
import { startOpenAiServer } from '../../support/openai-server.ts'
import { Scene } from './scene.ts'

const four = ['a', 'b', 'c', 'd'].map(id => ({ id }))
const broken = { kind: 'status', status: 500 } as const
const good = { kind: 'json' } as const

test('all answers fail, and LiveBench exits with 0: the step says so, after a second try', async () => {
  await using server = await startOpenAiServer({ alias: 'm', behave: () => broken })
  await using scene = await Scene.create()
  const envs = await scene.prepare(four)
  const { code, out, err } = await scene.run({ ...envs, STEP: 'answer', API_BASE: server.apiBase })
  expect(code).toBe(1)
  expect(err).toContain(`none of the 4 questions could be answered by m at ${server.apiBase}`)
  expect(out).toContain('answered 4 of 4')
  expect(out).toContain('all retries failed')
  expect(server.requests).toHaveLength(8)
  expect((await scene.manifest()).counts).toMatchObject({ expected: 4, missing: 4 })
})

test('what failed once is asked once more, the rest is not', async () => {
  await using server = await startOpenAiServer({ alias: 'm', behave: (_, nth) => (nth <= 2 ? broken : good) })
  await using scene = await Scene.create()
  const envs = await scene.prepare(four)
  const { code, out } = await scene.run({ ...envs, STEP: 'answer', API_BASE: server.apiBase })
  expect(code).toBe(0)
  expect(out).toMatch(/answered 4 of 4 \(.*2 errors\)[\s\S]*answered 4 of 4/)
  expect(server.requests).toHaveLength(6)
  expect((await scene.answers()).map(row => row.question_id)).toEqual(['a', 'b', 'c', 'd'])
  expect((await scene.answers()).some(row => 'eval_status' in row)).toBe(false)
})

test('a program that dies in the middle of a line is started again where its files end', async () => {
  await using server = await startOpenAiServer({ alias: 'm', behave: () => good })
  await using scene = await Scene.create({ dieAt: 3 })
  const envs = { ...(await scene.prepare(four)), PARALLEL: '1', STEP: 'answer', API_BASE: server.apiBase }
  const { code, out } = await scene.run(envs)
  expect(code).toBe(0)
  expect(out).toContain('typing: 1 broken lines dropped')
  expect(server.requests.map(({ prompt }) => prompt)).toEqual(['say a', 'say b', 'say c', 'say c', 'say d'])
  expect(await scene.answers()).toHaveLength(4)
  // Whoever takes over with what had been fetched of a lost client may find such a line, too.
  await appendFile(
    path.join(scene.work, 'data/live_bench/coding/typing/model_answer/m.jsonl'),
    '{"question_id": "a',
  )
  expect(await scene.run(envs)).toMatchObject({ code: 0 })
  expect(server.requests).toHaveLength(5)
})

test('questions without any answer fail the step', async () => {
  await using server = await startOpenAiServer({ alias: 'm', behave: () => good })
  await using scene = await Scene.create()
  const envs = await scene.prepare(four)
  // A python that cannot even start LiveBench.
  await scene.put('opt/answers/bin/python', '#!/bin/sh\necho "No module named openai" >&2\n', 0o755)
  const { code, out, err } = await scene.run({ ...envs, STEP: 'answer', API_BASE: server.apiBase })
  expect(code).toBe(1)
  expect(out).toContain('No module named openai')
  expect(err).toContain('4 of 4 questions have no answer of m after a second try')
})

test('so many at a time as asked for; the key is in no argument and no file', async () => {
  const slow = { kind: 'json', delayMs: 150 } as const
  await using server = await startOpenAiServer({
    alias: 'm',
    behave: (_, nth) => (nth === 2 ? broken : slow),
  })
  await using scene = await Scene.create()
  const questions = Array.from({ length: 12 }, (_, nth) => ({ id: `q${nth}` }))
  const LIVEBENCH_API_KEY = 'sk-not-to-be-seen'
  const envs = {
    ...(await scene.prepare(questions)),
    STEP: 'answer',
    API_BASE: server.apiBase,
    LIVEBENCH_API_KEY,
  }
  expect(await scene.run({ ...envs, PARALLEL: '3', MAX_TOKENS: '77' })).toMatchObject({ code: 0 })
  expect(server.mostOpen()).toBeGreaterThan(1)
  expect(server.mostOpen()).toBeLessThanOrEqual(3)
  expect(new Set(server.requests.map(({ authorization }) => authorization))).toEqual(
    new Set([`Bearer ${LIVEBENCH_API_KEY}`]),
  )
  expect(server.requests[0]?.body).toMatchObject({ model: 'm', max_tokens: 77, temperature: 0 })
  expect(await scene.read('args.log')).toMatch(/gen_api_answer\.py .*--parallel 3/)
  const files = (await readdir(scene.home, { recursive: true, withFileTypes: true })).filter(file =>
    file.isFile(),
  )
  const texts = await Promise.all(files.map(file => readFile(path.join(file.parentPath, file.name), 'utf8')))
  expect(texts.filter(text => text.includes(LIVEBENCH_API_KEY))).toEqual([])
  expect(await scene.read('sky_workdir/data/runs/m/gen_api_answer.stdout')).toContain('the key is ***')
})

test('the display name is a file name in lower case, beside the name that is served', async () => {
  await using server = await startOpenAiServer({ alias: 'served-1', behave: () => good })
  await using scene = await Scene.create()
  const envs = { ...(await scene.prepare([{ id: 'a' }])), SERVER: 'served-1', MODEL: 'Qwen.Coder' }
  expect(await scene.run({ ...envs, STEP: 'answer', API_BASE: server.apiBase })).toMatchObject({ code: 0 })
  expect(await scene.run({ ...envs, STEP: 'grade', API_BASE: '' })).toMatchObject({ code: 0 })
  expect(await scene.answers('coding/typing', 'qwen.coder')).toHaveLength(1)
  expect(await scene.manifest('qwen.coder')).toMatchObject({
    model: 'Qwen.Coder',
    server: 'served-1',
    counts: { scored: 1 },
  })
})

test('several benchmarks, of a folder: each question once, those of other releases not at all', async () => {
  await using server = await startOpenAiServer({ alias: 'm', behave: () => good })
  await using scene = await Scene.create()
  const envs = await scene.prepare(
    [
      { id: 'a' },
      { id: 'b', category: 'math', task: 'sums' },
      { id: 'c', category: 'math', task: 'proofs' },
      { id: 'd', category: 'language', task: 'typos' },
      { id: 'e', released: '2025-11-25' },
    ],
    { BENCHMARK: 'live_bench/math/sums live_bench/math live_bench/coding', RELEASE: '2025-05-30' },
  )
  expect(await scene.run({ ...envs, STEP: 'answer', API_BASE: server.apiBase })).toMatchObject({ code: 0 })
  expect(server.requests.map(({ prompt }) => prompt).sort()).toEqual(['say a', 'say b', 'say c'])
  expect(await scene.manifest()).toMatchObject({ benchmark: ['live_bench/math', 'live_bench/coding'] })
})

test('what cannot be asked is refused before anybody is: hub, folders, benchmarks, releases, options', async () => {
  await using scene = await Scene.create()
  await scene.prepare([{ id: 'a' }])
  const said = async (envs: Record<string, string>) => {
    const { code, out, err } = await scene.run({ SERVER: 'm', STEP: 'prepare', ...envs })
    expect(code).toBe(1)
    return out + err
  }
  const unreachable = await said({})
  expect(unreachable).toContain("Couldn't reach the Hugging Face Hub")
  expect(unreachable).toContain('the questions could not be fetched from the hub (exit code 1)')
  expect(await said({ QUESTIONS: '/nowhere' })).toContain(
    'there is no folder /nowhere: give hub, or a folder',
  )
  const questions = path.join(scene.home, 'questions')
  expect(await said({ BENCHMARK: 'live_bench/cooking', QUESTIONS: questions })).toContain(
    'there is no question of release 2026-01-08 for live_bench/cooking',
  )
  expect(await said({ BENCHMARK: '../x', QUESTIONS: questions })).toContain('"../x" is no benchmark')
  expect(await said({ RELEASE: '2024-11-26', QUESTIONS: questions })).toContain(
    '"2024-11-26" is no release of LiveBench',
  )
  expect(await said({ BENCH_OPTS: '--bench-nam x' })).toContain(
    'BENCH_OPTS: unrecognized arguments: --bench-nam x. It takes',
  )
  expect(await said({ PARALLEL: '0' })).toContain('PARALLEL is "0"')
  expect(await said({ STEP: 'gade' })).toContain('STEP is "gade": give prepare, answer, grade, show')
  const undated = await scene.questions('undated', [{ id: 'z', released: '2024-01-01' }])
  expect(await said({ BENCHMARK: 'live_bench', QUESTIONS: undated })).toContain(
    'of question z is no release of LiveBench',
  )
})

test('waits no longer than it is told, and not at all for a key that is refused', async () => {
  await using scene = await Scene.create()
  const envs = { ...(await scene.prepare([{ id: 'a' }])), STEP: 'answer', WAIT_MINUTES: '0.05' }
  await using other = await startOpenAiServer({ alias: 'another' })
  const late = await scene.run({ ...envs, API_BASE: other.apiBase })
  expect(late).toMatchObject({ code: 1 })
  expect(late.err).toContain(
    `m was not served at ${other.apiBase} within 0.05 minutes: it serves another. Is it up`,
  )

  const server = http.createServer((_, response) => response.writeHead(401).end()).listen(0, '127.0.0.1')
  try {
    await new Promise(resolve => server.once('listening', resolve))
    const API_BASE = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const refused = await scene.run({ ...envs, WAIT_MINUTES: '60', API_BASE })
    expect(refused.err).toContain(`${API_BASE}/models does not accept the key (401): give LIVEBENCH_API_KEY`)
  } finally {
    server.close()
  }
})

test('BENCH_OPTS says all when a launch by hand says nothing else', async () => {
  await using server = await startOpenAiServer({ alias: 'm', behave: () => good })
  await using scene = await Scene.create()
  const options =
    '--bench-name live_bench/language live_bench/coding --question-source jsonl --parallel 2 --max-tokens 9'
  await scene.setup()
  await scene.questions('sky_workdir/data', [
    { id: 'a' },
    { id: 'b', category: 'language' },
    { id: 'c', category: 'math' },
  ])
  const ran = await scene.run({ SERVER: 'm', API_BASE: server.apiBase, BENCH_OPTS: options })
  expect(ran, ran.err).toMatchObject({ code: 0 })
  expect(server.requests.map(({ body }) => body.max_tokens)).toEqual([9, 9])
  expect(await scene.manifest()).toMatchObject({ release: '2026-01-08', parallel: 2, counts: { scored: 2 } })
})

test('knows the same releases as the scores do', async () => {
  const folder = path.join(packageRoot(), 'templates/client/livebench')
  const { stdout } = await promisify(execFile)(
    'python3',
    ['-B', '-c', 'import settings; print(*settings.RELEASES)'],
    {
      env: { ...process.env, PYTHONPATH: folder },
    },
  )
  expect(stdout.trim().split(' ')).toEqual([...RELEASES])
})
