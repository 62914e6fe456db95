import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BenchDeps, bench } from '../src/bench.ts'
import { systemClock } from '../src/clock.ts'
import { packageRoot } from '../src/env.ts'
import type { SavedVm } from '../src/fleet/run-vms.ts'
import type { Inputs } from '../src/inputs.ts'
import { createDirectMesh } from '../src/mesh/direct.ts'
import { parseOptions } from '../src/options.ts'
import type { Phase, Results } from '../src/report/results.ts'
import { isGood } from '../src/results.ts'
import { createRun } from '../src/run.ts'
import { type TestFleet, testFleet } from './fleet/local/support.ts'

const root = packageRoot()
const fakeServer = path.join(root, 'test/fixtures/templates/fake-server.yaml')

let lab: TestFleet
let output: string
beforeEach(async () => {
  lab = await testFleet({
    runtime: { vmEntry: `${root}/src/vm.ts`, cliEntry: `${root}/src/cli.ts`, node: process.execPath },
  })
  output = await mkdtemp(path.join(tmpdir(), 'lmrun-bench-'))
})
afterEach(async () => {
  await lab[Symbol.asyncDispose]()
  await rm(output, { recursive: true, force: true })
})

function model(mode = 'serve') {
  const environment = {
    NODE: process.execPath,
    STAND_IN: `${root}/test/support/openai-server.ts`,
    MODE: mode,
  }
  return { model: 'some/model', environment }
}

function inputs(models: Record<string, unknown>, more: Record<string, unknown> = {}): Inputs {
  const raw = {
    models,
    benchmark: 'live_bench/reasoning',
    'server-template': fakeServer,
    'output-directory': output,
  }
  const parsed = parseOptions({ ...raw, ...more }, name => name)
  if (!('value' in parsed)) throw new Error(JSON.stringify(parsed.problems))
  return { options: parsed.value, secrets: {}, githubToken: '' }
}

function once(work: () => Promise<void>): () => void {
  let done = false
  return () => {
    if (!done) void work()
    done = true
  }
}

interface Told {
  readonly saved: (readonly SavedVm[])[]
  readonly phases: Phase[]
}

function run(
  given: Inputs,
  {
    signal = new AbortController().signal,
    onStart = () => {},
    onUpdate = () => {},
  }: {
    signal?: AbortSignal
    onStart?: (phase: string) => void
    onUpdate?: (text: string) => void
  } = {},
): { results: Promise<Results>; told: Told } {
  const told: Told = { saved: [], phases: [] }
  const deps: BenchDeps = {
    fleet: lab.fleet,
    openMesh: () =>
      createDirectMesh(({ name, port }) => lab.fleet.endpoint(name, port), { clock: systemClock }),
    run: createRun({}),
    clock: systemClock,
    progress: {
      start: (_, phase) => onStart(phase),
      update: (_, text) => onUpdate(text),
      end: phase => told.phases.push(phase),
      warn: () => {},
    },
    saveDraft: () => {},
    saveVms: vms => told.saved.push(vms),
    signal,
    label: name => name,
  }
  return { results: bench(given, deps), told }
}

describe('bench', () => {
  it('benchmarks two models side by side and leaves nothing', async () => {
    const { results, told } = run(inputs({ a: model(), b: model() }))
    const done = await results
    expect(done.failure).toBeNull()
    expect(isGood(done)).toBe(true)
    expect(Object.keys(done.models)).toEqual(['a', 'b'])
    expect(done.models.a?.served).toEqual({ model: 'some/model', engine: 'stand-in' })
    expect(done.vms.map(vm => [vm.role, vm.goneAt !== null])).toEqual(
      expect.arrayContaining([
        ['client', true],
        ['server', true],
        ['server', true],
      ]),
    )
    expect(told.saved.at(-1)).toHaveLength(3)
    expect(await lab.processes()).toEqual([])
    const names = (subject: string) =>
      done.phases.filter(phase => phase.subject === subject).map(phase => phase.name)
    expect(names('a').toSorted()).toEqual(['answer', 'grade', 'launch', 'load', 'release'])
    expect(existsSync(path.join(output, 'data/live_bench/reasoning'))).toBe(true)
  })

  it("tells a model's failure with its log and likely cause, and goes on with the others", async () => {
    const done = await run(inputs({ bad: model('die'), good: model() })).results
    expect(done.run.status).toBe('failed')
    expect(done.models.bad).toMatchObject({
      scores: null,
      failure: { cause: expect.stringMatching(/memory/i) },
    })
    expect(done.models.bad?.failure?.log?.join('\n')).toContain('CUDA out of memory')
    expect(done.models.good?.scores?.valid).toBe(true)
    expect(isGood(done)).toBe(false)
    expect(await lab.processes()).toEqual([])
  })

  it('notices at once that a server ends while it is asked', async () => {
    const done = await run(inputs({ a: model('die-answering') })).results
    expect(done.models.a?.failure?.what).toContain('the model server of a ended')
    expect(done.phases.find(phase => phase.name === 'answer')?.ok).toBe(false)
  })

  it.each(['launch', 'load', 'answer', 'grade'])('ends every VM when it is cancelled in %s', async at => {
    const cancel = new AbortController()
    const mode = at === 'load' ? 'load' : 'serve'
    const onStart = (phase: string) => {
      if (phase === at) cancel.abort(new DOMException('enough', 'AbortError'))
    }
    const done = await run(inputs({ a: model(mode) }), { signal: cancel.signal, onStart }).results
    expect(done.run.status).toBe('cancelled')
    expect(done.failure?.what).toBe('the run was cancelled')
    expect(await lab.processes()).toEqual([])
    expect(await lab.fleet.list()).toEqual([])
  })

  it.each([
    ['the server', /^a-/, 'a'],
    ['the client', /^client-/, 'client'],
  ])(
    'goes on with the answers that are there when %s is lost while it answers',
    async (_, which, subject) => {
      const lose = once(async () => {
        const vm = (await lab.fleet.list()).find(({ name }) => which.test(name))
        await lab.signalKeeper(vm?.name ?? '', 'SIGKILL')
      })
      const done = await run(inputs({ a: model('slow') }, { parallel: 1 }), {
        onUpdate: text => /answered [2-9] of/.test(text) && lose(),
      }).results
      expect(done.models.a?.failure).toBeNull()
      expect(isGood(done)).toBe(true)
      expect(done.retries).toMatchObject([{ subject, kind: 'lost', next: 'again' }])
      expect(done.vms.filter(vm => which.test(vm.name))).toHaveLength(2)
      expect(await lab.processes()).toEqual([])
    },
  )

  it('gives a VM up that is lost once more than it may be', async () => {
    const lose = async () => {
      const vm = (await lab.fleet.list()).find(({ name }) => name.startsWith('a-'))
      if (vm) await lab.signalKeeper(vm.name, 'SIGKILL')
    }
    const onUpdate = (text: string) => /answered \d+ of/.test(text) && lose()
    const done = await run(inputs({ a: model('slow') }, { retries: 1, parallel: 1 }), { onUpdate }).results
    expect(done.retries?.map(({ next }) => next)).toEqual(['again', 'given-up'])
    expect(done.models.a?.failure?.what).toContain('was lost')
    expect(await lab.processes()).toEqual([])
  })

  it('ends at max-minutes and says so', async () => {
    const done = await run(inputs({ a: model('load') }, { 'max-minutes': 0.1 })).results
    expect(done.run.status).toBe('failed')
    expect(done.failure).toEqual({
      what: 'the run reached its limit of 0.1 minutes',
      hint: 'Give it more time with max-minutes, or ask fewer questions.',
    })
    expect(await lab.processes()).toEqual([])
  })

  it('knows no graders for the questions of the hub on this machine', async () => {
    const { results, told } = run(inputs({ a: model() }, { questions: 'hub' }))
    await expect(results).rejects.toThrow('questions: "hub" takes the real LiveBench')
    expect(told.saved).toEqual([])
  })

  it('refuses everything that is wrong at once, before anything is launched or written', async () => {
    await mkdir(path.join(output, 'data'))
    const models = { 'a.b': model(), 'A-b': { ...model(), template: path.join(root, 'README.md') } }
    const { results, told } = run(inputs(models, { benchmark: 'live_bench/nothing' }))
    const message = await results.then(String, error => (error as Error).message)
    expect(message).toContain('models: the keys "a.b" and "A-b" would get the same VM name')
    expect(message).toContain(`output-directory: ${output} holds a folder "data"`)
    expect(message).toContain('there is no benchmark "live_bench/nothing"')
    expect(message).toContain('README.md')
    expect(told.saved).toEqual([])
    expect(await lab.fleet.list()).toEqual([])
    expect(existsSync(path.join(output, 'logs'))).toBe(false)
  })
})
