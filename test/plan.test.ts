import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { parseOptions } from '../src/options.ts'
import { createPlan, stepEnvs } from '../src/plan.ts'
import { createRun } from '../src/run.ts'

const run = createRun({}, 'fixed')

function plan(raw: Record<string, unknown>, secrets = {}) {
  const parsed = parseOptions({ models: { 'qwen-coder': 'Qwen/X' }, ...raw }, name => name)
  if (!('value' in parsed)) throw new Error(JSON.stringify(parsed.problems))
  return createPlan(parsed.value, { secrets, run, now: Date.UTC(2026, 0, 1) })
}

it('launches the bundled templates with what they are told', () => {
  const { client, models } = plan({ release: '2024-11-25', benchmark: 'live_bench/coding live_bench/math' })
  expect(existsSync(client.template)).toBe(true)
  expect(client.envs).toEqual({
    STEP: 'prepare',
    SERVER: '',
    API_BASE: '',
    MODEL: '',
    BENCHMARK: 'live_bench/coding live_bench/math',
    QUESTIONS: 'smoke',
    RELEASE: '2024-11-25',
    PARALLEL: '4',
    MAX_TOKENS: '64',
  })
  expect(models[0]?.server).toMatchObject({
    name: `qwen-coder-${run.short}`,
    envs: { MODEL: 'Qwen/X', VERSION: '', SERVE_OPTS: '' },
    leaseMinutes: 10,
    labels: { 'lmrun-role': 'server', 'lmrun-run': run.id },
  })
})

it('asks LiveBench’s questions on VMs by LiveBench itself, and its own by itself', () => {
  const client = (raw: Record<string, unknown>) => plan(raw).client
  expect(client({ infra: 'aws' }).template).toMatch(/templates\/smoke-client\.yaml$/)
  const hub = client({ infra: 'aws', questions: 'hub' })
  expect(hub.template).toMatch(/templates\/livebench-client\.yaml$/)
  // The newest release has questions that are not public.
  expect(hub.envs).toMatchObject({ QUESTIONS: 'hub', RELEASE: '2024-11-25' })
  expect(client({ infra: 'aws', questions: 'hub', release: '2024-08-31' }).envs.RELEASE).toBe('2024-08-31')
  const folder = client({ infra: 'aws', questions: 'mine' })
  expect(folder.template).toBe(hub.template)
  expect(folder.envs).toMatchObject({ QUESTIONS: path.resolve('mine'), RELEASE: '' })
})

it("takes a model's own template over server-template, and its environment over everything", () => {
  const models = { a: { model: 'm', template: 'own.yaml', environment: { MODEL: 'other', X: '1' } }, b: 'm' }
  const [a, b] = plan({ models, 'server-template': 'shared.yaml' }).models
  expect([a?.server.template, b?.server.template]).toEqual([
    path.resolve('own.yaml'),
    path.resolve('shared.yaml'),
  ])
  expect(a?.server.envs).toEqual({ MODEL: 'other', VERSION: '', SERVE_OPTS: '', X: '1' })
})

it('names a model file of this machine in full, because a VM has its own working folder', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-plan-'))
  try {
    const file = path.join(folder, 'm.gguf')
    await writeFile(file, '')
    const relative = path.relative(process.cwd(), file)
    expect(plan({ models: { a: relative } }).models[0]?.server.envs.MODEL).toBe(file)
  } finally {
    await rm(folder, { recursive: true })
  }
})

it('tells a step which model to ask, and where', () => {
  const [model] = plan({}).models
  if (!model) throw new Error('no model')
  expect(stepEnvs('answer', model, 'http://127.0.0.1:1')).toEqual({
    STEP: 'answer',
    SERVER: `qwen-coder-${run.short}`,
    API_BASE: 'http://127.0.0.1:1/v1',
    MODEL: 'qwen-coder',
  })
})
