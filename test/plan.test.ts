import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
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

describe('the mesh of a run', () => {
  const meshOf = (raw: Record<string, unknown>) => plan({ infra: 'aws', mesh: 'auto', ...raw }).mesh

  it('is its own where all VMs can join one: a main that ends with the run, where the client is', () => {
    const { mesh, client, models } = plan({
      infra: 'lambda',
      mesh: 'auto',
      'client-infra': 'aws/eu-west-1',
      reuse: 'true',
    })
    if (mesh.kind !== 'main') throw new Error(mesh.kind)
    expect(mesh.adopt).toBe(false)
    expect(mesh.main).toMatchObject({
      name: `main-${run.short}`,
      template: expect.stringMatching(/templates\/main\.yaml$/),
      resources: { infra: ['aws/eu-west-1'] },
      labels: { 'lmrun-role': 'main', 'lmrun-ending': 'down', 'lmrun-run': run.id },
      secrets: {},
      reuse: false,
    })
    expect([client.joins, models[0]?.server.joins]).toEqual([true, true])
    // What a VM is known by in the mesh is the service that is waited for.
    expect(models[0]?.service.name).toBe(models[0]?.server.name)
  })

  it.each(['aws', 'gcp/us-central1', 'lambda', 'azure', 'nebius'])('is made on %s', infra => {
    expect(meshOf({ infra }).kind).toBe('main')
  })

  it.each(['local', 'kubernetes', 'k8s/context', 'slurm', 'runpod', 'ssh'])('is not made on %s', infra => {
    expect(meshOf({ infra }).kind).toBe('direct')
  })

  it('is not made when one VM of all may be where it cannot join', () => {
    expect(meshOf({ 'client-infra': 'kubernetes' }).kind).toBe('direct')
    expect(meshOf({ infra: 'aws runpod' }).kind).toBe('direct')
    const models = { a: { model: 'm', infra: 'slurm' }, b: 'm' }
    const one = plan({ infra: 'aws', mesh: 'auto', models })
    expect([one.mesh.kind, one.client.joins, one.models[1]?.server.joins]).toEqual([
      'direct',
      undefined,
      undefined,
    ])
  })

  it('is off when told so', () => {
    expect(meshOf({ mesh: 'off' }).kind).toBe('direct')
  })

  it('is one that stays when it has a name: its main is used when it is up', () => {
    const mesh = meshOf({ mesh: 'ours' })
    expect(mesh).toMatchObject({ kind: 'main', adopt: true, main: { name: 'ours' } })
  })

  it('is the one of the kubeconfig, without a main of its own', () => {
    expect(meshOf({ 'mesh-kubeconfig': '/a/file' })).toEqual({ kind: 'shared', kubeconfig: '/a/file' })
  })
})
