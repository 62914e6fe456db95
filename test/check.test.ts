import { mkdtemp, rm } from 'node:fs/promises'
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
}

/** Where the problems are; null when there are none. */
async function problems({ wrong = [], preflight = async () => FOUND, questions = 'smoke' }: World) {
  const raw = { models: { a: 'm', b: 'm' }, infra: 'aws', mesh: 'off', 'output-directory': folder, questions }
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
    if (error instanceof InputError) return error.problems.map(({ where }) => where)
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
