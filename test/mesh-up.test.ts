import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { nextSteps } from '../src/cli/mesh-up.ts'
import { InputError } from '../src/errors.ts'
import { readOwner } from '../src/labels.ts'
import { mainRequest, type UpFlags } from '../src/mesh-up.ts'
import { createRun } from '../src/run.ts'
import { decide } from '../src/sweep/decide.ts'

const now = Date.UTC(2026, 0, 1)
const run = createRun({}, 'fixed')

function request(flags: Partial<UpFlags>, env = {}) {
  return mainRequest({ name: 'main', leaseMinutes: '1440', ...flags }, { env, run, now })
}

function refused(flags: Partial<UpFlags>, env = {}): readonly string[] {
  try {
    request(flags, env)
    return []
  } catch (error) {
    if (error instanceof InputError) return error.problems.map(({ where, what }) => `${where}: ${what}`)
    throw error
  }
}

describe('the launch of a main that stays', () => {
  it('has a lasting name, a place, a lease, and an owner who leaves it alone until that ends', () => {
    const main = request({ infra: 'aws/us-east-1 lambda' })
    expect(main).toMatchObject({ name: 'main', leaseMinutes: 1440, secrets: {}, reuse: false })
    expect(main.resources.infra).toEqual(['aws/us-east-1', 'lambda'])
    expect(existsSync(main.template)).toBe(true)
    expect(main.labels['lmrun-role']).toBe('main')
    expect(readOwner(main.labels)).toMatchObject({ run: run.id, ending: 'keep', repository: null })
    const at = (minutes: number) =>
      decide(
        { kind: 'vm', labels: main.labels, state: 'up' },
        {
          now: now + minutes * 60_000,
          repository: null,
          run: { state: 'unheard' },
          othersLive: false,
        },
      ).action
    expect([at(1439), at(1445), at(1440 + 60)]).toEqual(['leave', 'leave', 'end'])
  })

  it('is in the main region, unless told otherwise', () => {
    const env = { AWS_DEFAULT_REGION: 'eu-west-1' }
    expect(request({}, env).resources.infra).toEqual(['aws/eu-west-1'])
    expect(request({ infra: 'gcp' }, env).resources.infra).toEqual(['gcp'])
  })

  it('is refused with all that is wrong', () => {
    expect(refused({ name: 'auto', infra: 'runpod', leaseMinutes: '0' })).toEqual([
      'lmrun mesh up: "auto" cannot be the name of a main node',
      '--infra: VMs of runpod cannot be in a mesh: they are no machines of their own',
      '--lease-minutes: "0" is not allowed',
    ])
    expect(refused({})).toEqual(['--infra: nothing says where main is to be'])
    expect(refused({ infra: 'mars' })).toEqual(['--infra: "mars" is not allowed'])
    for (const name of ['off', 'Main', '1', 'a b', 'x'.repeat(27)])
      expect(refused({ name, infra: 'aws' })).toHaveLength(1)
    for (const leaseMinutes of ['', '1.5', '-1', 'x', '525601'])
      expect(refused({ leaseMinutes, infra: 'aws' })).toHaveLength(1)
  })
})

describe('what is told of a main that is up', () => {
  const main = {
    mesh: 'ours',
    privateIp: '10.64.0.5',
    publicIp: '192.0.2.7',
    port: 6443,
    cloud: 'aws',
    region: 'us-east-1',
  }
  const price = { hourly: 0.05, spot: false, what: 'AWS us-east-1 t3.medium' }

  it('is what it costs, when it ends, and what comes next', () => {
    const text = nextSteps('ours', { main, adopted: false, expiresAt: now + 86_400_000, price }, now)
    expect(text).toMatchInlineSnapshot(`
      "ours is up (aws, us-east-1, 192.0.2.7): VMs can join.
      It costs $0.05 an hour, $1.20 until its lease ends (AWS us-east-1 t3.medium).
      It ends itself at 2026-01-02 00:00 UTC, used or not; once more the same command: the lease begins anew.

      Benchmarks in it:  lmrun bench --mesh ours …, or mesh: ours in the workflow
      VMs by hand:       sky launch -c qwen-coder model-server.yaml, in templates/; AWS hands them the token
      Who is in it:      lmrun mesh status --main ours
      End it:            lmrun mesh down ours
      "
    `)
  })

  it('is said of one without a lease or a price, too', () => {
    const text = nextSteps('main', { main, adopted: true, expiresAt: null, price: null }, now)
    expect(text).toContain(
      'It costs what its cloud says.\nIt has no lease: it stays, and costs, until it is ended.',
    )
    expect(text).toContain('lmrun mesh down\n')
    expect(nextSteps('main', { main, adopted: true, expiresAt: null, price }, now)).toContain('$1.20 a day')
  })
})
