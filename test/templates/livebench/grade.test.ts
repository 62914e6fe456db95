import { expect, test } from 'vitest'
import { readScores } from '../../../src/livebench/scores.ts'
import type { Faults } from '../../support/livebench-stand-in/stand-in.ts'
import { startOpenAiServer } from '../../support/openai-server.ts'
import { type Question, type Ran, Scene } from './scene.ts'

/** A scene in which everything is answered; question `error` badly. */
async function answered(
  questions: readonly Question[],
  faults: Faults,
): Promise<[Scene, Record<string, string>]> {
  await using server = await startOpenAiServer({
    alias: 'm',
    behave: ({ prompt }) => (prompt === 'say error' ? { kind: 'status', status: 400 } : { kind: 'json' }),
  })
  await using unless = new AsyncDisposableStack()
  const scene = unless.use(await Scene.create(faults))
  const envs = await scene.prepare(questions)
  const ran = await scene.run({ ...envs, STEP: 'answer', API_BASE: server.apiBase })
  expect(ran, ran.err).toMatchObject({ code: 0 })
  unless.move()
  return [scene, envs]
}

const show = (scene: Scene, envs: Record<string, string>): Promise<Ran> =>
  scene.run({ ...envs, STEP: 'show' })

test('counts are those of the scores, for all that can become of a question', async () => {
  const ids = ['right', 'error', 'fails', 'lost', 'out']
  const questions = [...ids.map(id => ({ id })), { id: 'wrong', task: 'completing', truth: 'else' }]
  const [scene, envs] = await answered(questions, {
    graderFails: ['fails'],
    lost: ['lost'],
    excluded: ['out'],
  })
  await using _ = scene
  const { code, out } = await scene.run({ ...envs, STEP: 'grade' })
  expect(code).toBe(0)
  expect(out).toContain('6 expected, 2 scored, 1 errors, 1 graderErrors, 1 excluded, 1 missing')

  const manifest = await scene.manifest()
  const { scores, questions: asked } = await readScores(scene.work, { models: ['m'] })
  expect(scores.models.m?.questions).toEqual(manifest.counts)
  expect({ count: asked.expected, sha256: asked.sha256() }).toMatchObject({
    count: manifest.questions.count,
    sha256: manifest.questions.sha256,
  })
  expect(JSON.parse(await scene.read('sky_workdir/grade.json'))).toEqual({
    sandbox: [],
    // As apart.sh says it.
    warnings: [expect.stringMatching(/^apart: root may make no namespaces here/)],
    unverified: [],
  })

  const table = await show(scene, envs)
  expect(table.out).toContain(
    "m is not in LiveBench's table: it takes only models that have a score for every question",
  )
  expect(table.out).toContain('INVALID: of 6 questions 1 missing, 1 errors, 1 graderErrors')
})

test('a model that misses one judgment is not in LiveBench’s table, and LiveBench exits with 0', async () => {
  const [scene, envs] = await answered([{ id: 'a' }, { id: 'b' }], { lost: ['b'] })
  await using _ = scene
  expect(await scene.run({ ...envs, STEP: 'grade' })).toMatchObject({ code: 0 })
  expect(await scene.read('sky_workdir/data/runs/m/all_groups.csv')).toBe('model,average\n')
  expect((await show(scene, envs)).out).toContain('INVALID: of 2 questions 1 missing')
})

test('graded again, only what was not, or what a grader failed on', async () => {
  await using elsewhere = await Scene.create()
  const mended = `${elsewhere.home}/mended`
  const [scene, envs] = await answered([{ id: 'a' }, { id: 'b' }], { graderFails: ['a'], mended })
  await using _ = scene
  await scene.run({ ...envs, STEP: 'grade' })
  expect((await scene.manifest()).counts).toMatchObject({ scored: 1, graderErrors: 1 })
  await elsewhere.put('mended', '')
  await scene.run({ ...envs, STEP: 'grade' })
  expect((await scene.manifest()).counts).toMatchObject({ scored: 2, graderErrors: 0 })
  const log = await scene.read('sky_workdir/data/runs/m/gen_judgment.stdout')
  expect(log.match(/^question: .*/gm)).toEqual(['question: a, model: m, score: 1, '])
  expect((await scene.manifest()).phases.map(({ name }) => name)).toEqual(['answer', 'grade', 'grade'])
  expect((await show(scene, envs)).out).toMatch(/m {2}100\.0 {2}100\.0/)
})

test.each([
  [
    'a grader that cannot start',
    { crash: true },
    'no answer of m has a judgment (exit code 1)',
    'en_core_web_sm',
  ],
  [
    'every grader failed',
    { graderFails: ['a', 'b'] },
    'every grader failed: ImportError',
    "No module named 'sympy'",
  ],
  ['judgments under another name', { knownAs: 'm-2024' }, 'then give the model another key', 'question: a'],
] as const)('%s fails the step, and says why', async (_name, faults, why, log) => {
  const [scene, envs] = await answered([{ id: 'a' }, { id: 'b' }], faults)
  await using _ = scene
  const { code, out, err } = await scene.run({ ...envs, STEP: 'grade' })
  expect(code).toBe(1)
  expect(err).toContain(why)
  expect(out + err).toContain(log)
})

test('grading gets no variable of ours, and other models’ files are not there', async () => {
  const [scene, envs] = await answered([{ id: 'a' }], {})
  await using _ = scene
  const judgments = 'sky_workdir/data/live_bench/coding/typing/model_judgment/ground_truth_judgment.jsonl'
  await scene.put(judgments, '{"question_id": "a", "model": "other", "score": 0}\n')
  await scene.run({
    ...envs,
    STEP: 'grade',
    LIVEBENCH_API_KEY: 'sk-x',
    HF_TOKEN: 'hf-x',
    AWS_SECRET_ACCESS_KEY: 'x',
  })
  const log = await scene.read('sky_workdir/data/runs/m/gen_judgment.stdout')
  expect(log).toMatch(/^variables: /m)
  expect(log).not.toMatch(/LIVEBENCH_API_KEY|HF_TOKEN|AWS|SERVER/)
  expect((await scene.read(judgments)).split('\n')[0]).toContain('"model": "other", "score": 0')
  expect((await scene.read(judgments)).split('\n')[1]).toContain('"model": "m"')
})
