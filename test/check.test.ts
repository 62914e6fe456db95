import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { check } from '../src/check.ts'
import { systemClock } from '../src/clock.ts'
import { InputError, type Problem } from '../src/errors.ts'
import type { Fleet, LaunchRequest, Preflight } from '../src/fleet/fleet.ts'
import { parseOptions } from '../src/options.ts'
import { createPlan } from '../src/plan.ts'
import { createRun } from '../src/run.ts'
import { Story } from '../src/story.ts'

let folder: string
let asked: string[]
let told: string[]

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-check-'))
  asked = []
  told = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const FOUND: Preflight = {
  checks: [{ what: 'quota of RunPod', status: 'unknown', detail: 'it cannot be asked' }],
  offers: [],
}
const problem = (where: string): Problem => ({ where, what: 'is wrong', allowed: 'Mend it' })

interface World {
  /** Models whose template is wrong. */
  readonly wrong?: readonly string[]
  readonly preflight?: () => Promise<Preflight>
  readonly questions?: string
  /** Over the usual ones. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** Where the problems are; null when there are none. */
async function problems(world: World) {
  return (await problemsIn(world))?.map(({ where }) => where) ?? null
}

async function problemsIn({
  wrong = [],
  preflight = async () => FOUND,
  questions = 'smoke',
  options,
}: World): Promise<readonly Problem[] | null> {
  const usual = { models: { a: 'm', b: 'm' }, infra: 'aws', mesh: 'off', questions }
  const raw = { ...usual, 'output-directory': folder, ...options }
  const parsed = parseOptions(raw, name => name)
  if (!('value' in parsed)) throw new Error(JSON.stringify(parsed.problems))
  const plan = createPlan(parsed.value, { secrets: {}, run: createRun({}, 'fixed'), now: 0 })
  const key = ({ name }: LaunchRequest) => name.replace(/-[^-]+$/, '')
  const fleet = {
    kind: 'sky',
    check: async (request: LaunchRequest) => {
      if (wrong.includes(key(request))) throw new InputError([problem(`template of ${key(request)}`)])
    },
    preflight: (requests: readonly LaunchRequest[]) => {
      asked.push(...requests.map(key))
      return preflight()
    },
  } as unknown as Fleet
  const progress = { start() {}, end() {}, update() {}, warn: (text: string) => void told.push(text) }
  const story = new Story(progress, systemClock)
  try {
    await check(parsed.value, plan, { fleet, label: name => name, story })
    return null
  } catch (error) {
    if (error instanceof InputError) return error.problems
    throw error
  }
}

describe('the check before a run', () => {
  it('asks the cloud for all VMs, and tells what could not be known', async () => {
    expect(await problems({})).toBe(null)
    expect(asked).toEqual(['client', 'a', 'b'])
    expect(told).toEqual(['quota of RunPod: it cannot be asked'])
  })

  it('reports what the cloud says together with all else that is wrong', async () => {
    const preflight = () => Promise.reject(new InputError([problem('quota'), problem('max-hourly-cost')]))
    const questions = path.join(folder, 'nowhere')
    expect(await problems({ wrong: ['a'], preflight, questions })).toEqual([
      expect.stringContaining('questions'),
      'template of a',
      'quota',
      'max-hourly-cost',
    ])
    // Of a VM whose template is wrong nobody can say what it costs.
    expect(asked).toEqual(['client', 'b'])
  })

  it('asks nothing when no template is right', async () => {
    expect(await problems({ wrong: ['client', 'a', 'b'] })).toHaveLength(3)
    expect(asked).toEqual([])
  })

  it('does not hide what is wrong behind a cloud that cannot be asked', async () => {
    const preflight = () => Promise.reject(new Error('no network'))
    expect(await problems({ wrong: ['a'], preflight })).toEqual(['template of a'])
    await expect(problems({ preflight })).rejects.toThrow('no network')
  })
})

describe('names', () => {
  const of = async (models: readonly string[], options = {}) =>
    (
      await problemsIn({ options: { models: Object.fromEntries(models.map(key => [key, 'm'])), ...options } })
    )?.map(({ where, what }) => `${where}: ${/"([^"]*)"/.exec(what)?.[1]}`) ?? null

  it('of VMs that the run has anyway are refused, however they are spelt and whatever the mesh', async () => {
    expect(await of(['client', 'Main', 'a'])).toEqual(['models: client', 'models: Main'])
    expect(await of(['main'], { mesh: 'auto' })).toEqual(['models: main'])
    expect(await of(['client'], { infra: 'local' })).toEqual(['models: client'])
    expect(await of(['client-2', 'mainly'])).toBe(null)
  })

  it('of warm servers are not that of the mesh', async () => {
    const warm = { reuse: 'true', secrets: 'VLLM_API_KEY' }
    expect(await of(['hub', 'a'], { ...warm, mesh: 'hub' })).toEqual(['models: hub'])
    // Without `reuse` its name ends in five characters of the run.
    expect(await of(['hub', 'a'], { mesh: 'hub' })).toBe(null)
    expect(await of(['hub', 'a'], { ...warm, mesh: 'other' })).toBe(null)
  })
})

describe('a mesh that was asked for', () => {
  /** As K3s writes it, but for TLS: the server of this test has none. */
  const TRUST = { 'certificate-authority-data': 'Q0E=', 'insecure-skip-tls-verify': true }
  const kubeconfigOf = (server: string) =>
    JSON.stringify({
      clusters: [{ name: 'a', cluster: { server, ...TRUST } }],
      users: [{ name: 'a', user: { token: 't' } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      'current-context': 'a',
    })
  const of = async (options: Readonly<Record<string, unknown>>) =>
    (await problemsIn({ options }))?.map(({ where, what }) => `${where}: ${what}`) ?? null

  it('takes VMs that are machines of their own alone: all places count, also those of one model', async () => {
    const outside = 'cannot join a mesh: they are no machines of their own'
    expect(await of({ mesh: 'main', infra: 'kubernetes' })).toEqual([`mesh: VMs of kubernetes ${outside}`])
    expect(await of({ mesh: 'main', infra: 'aws', 'client-infra': 'slurm' })).toEqual([
      `mesh: VMs of slurm ${outside}`,
    ])
    const models = { a: { model: 'm', infra: 'runpod' }, b: 'm' }
    expect(await of({ 'mesh-kubeconfig': 'file', models, mesh: 'auto' })).toEqual([
      `mesh-kubeconfig: VMs of runpod ${outside}`,
    ])
    expect(await of({ mesh: 'main', infra: 'aws gcp/us-central1 lambda' })).toBe(null)
  })

  it('is that of the kubeconfig, whatever else is said, and is asked before anything is launched', async () => {
    const where = 'mesh-kubeconfig'
    const given = async (text: string) => (await of({ [where]: text, mesh: 'off' }))?.join('\n')
    const none = path.join(folder, 'none')
    expect(await given(none)).toBe(
      `${where}: cannot be read: ENOENT: no such file or directory, open '${none}'`,
    )
    expect(await given('no\nkubeconfig')).toBe(`${where}: the kubeconfig of the mesh cannot be used`)
    const server = createServer((_, response) => void response.writeHead(404, { connection: 'close' }).end())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const file = path.join(folder, 'config')
    await writeFile(file, kubeconfigOf(url))
    expect(await given(file)).toBe(`${where}: the API server at ${url} has no mesh`)
    await new Promise(resolve => server.close(resolve))
    expect(await given(file)).toMatch(`${where}: the API server at ${url} cannot be asked for its mesh: `)
  })

  it('is not missed where nobody asked for one', async () => {
    expect(await of({ mesh: 'auto', infra: 'kubernetes' })).toBe(null)
    expect(await of({ mesh: 'off', infra: 'kubernetes' })).toBe(null)
  })
})
