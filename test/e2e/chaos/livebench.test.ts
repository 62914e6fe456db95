import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { expectClean, readReport } from '../../support/e2e-checks.ts'
import { createLiveBench, type Faults } from '../../support/livebench-stand-in/stand-in.ts'
import { createSkyE2e } from '../../support/sky-e2e.ts'
import { writePrograms } from '../../templates/livebench/scene.ts'

/** The bundled template, with LiveBench's stand-in, on VMs whose programs for packages and users are stand-ins, too. */
async function template(folder: string, faults: Faults): Promise<string> {
  const programs = path.join(folder, 'programs')
  await writePrograms(programs)
  const { repository, commit } = await createLiveBench(path.join(folder, 'livebench.git'), faults)
  const templates = path.join(packageRoot(), 'templates')
  const text = (await readFile(path.join(templates, 'livebench-client.yaml'), 'utf8'))
    .replace(/LIVEBENCH_REPO: .*/, `LIVEBENCH_REPO: ${repository}`)
    .replace(/LIVEBENCH_COMMIT: .*/, `LIVEBENCH_COMMIT: ${commit}`)
    // What it mounts is named from its own folder.
    .replace(/^( {2}\S+): (client|\.\.?\/\S+)$/gm, (_, to, from) => `${to}: ${path.join(templates, from)}`)
    .replace(/^(setup|run): \|$/gm, `$1: |\n  export PATH=${programs}:$PATH LMRUN_LIVEBENCH_DIR=~/opt`)
  const file = path.join(folder, 'livebench-client.yaml')
  await writeFile(file, text)
  return file
}

test.concurrent('a run of two models with LiveBench itself: both answer side by side, are graded and reported', async () => {
  await using world = await createSkyE2e()
  const inputs = { 'client-template': await template(world.world.folder, {}), parallel: '2' }
  const result = await world.run({ servers: { a: 'serve', b: 'serve' }, inputs })
  expect(result, result.stdout).toMatchObject({ exitCode: 0, post: { exitCode: 0 } })
  expect(result.outputs).toMatchObject({ valid: 'true', scores: '{"a":50,"b":50}' })
  const { results } = await readReport(result)
  const manifest = JSON.parse(
    await readFile(path.join(result.workspace, 'lmrun-out/data/runs/b/manifest.json'), 'utf8'),
  )
  expect(manifest.counts).toEqual(results.models.b?.scores?.questions)
  expect(manifest.questions.sha256).toBe(results.benchmark.questionsSha256)
  expect(result.stdout).toMatch(/a: answered \d of 4/)
  await expectClean(world.world, result)
})

test.concurrent('of the hub nobody knows the questions before the client does, and results have them', async () => {
  await using world = await createSkyE2e()
  const hub = path.join(packageRoot(), 'test/fixtures/echo-questions')
  const inputs = {
    'client-template': await template(world.world.folder, { hub }),
    questions: 'hub',
    release: '2025-05-30',
  }
  const result = await world.run({ inputs: { ...inputs, benchmark: 'live_bench/language' } })
  expect(result, result.stdout).toMatchObject({ exitCode: 0, post: { exitCode: 0 } })
  const { results } = await readReport(result)
  expect(results.benchmark).toMatchObject({ questions: 'hub', questionCount: 4, release: '2025-05-30' })
  expect(results.benchmark.questionsSha256).toMatch(/^[0-9a-f]{64}$/)
})

test.concurrent('a grader that fails makes the score INVALID, and the run fails', async () => {
  await using world = await createSkyE2e()
  const inputs = { 'client-template': await template(world.world.folder, { graderFails: ['echo-2'] }) }
  const result = await world.run({ inputs })
  expect(result, result.stdout).toMatchObject({ exitCode: 1, post: { exitCode: 0 } })
  expect((await readReport(result)).markdown).toContain('1 grader error')
  await expectClean(world.world, result)
})
