import { beforeEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { type DownResult, type Fleet, type LaunchRequest, NO_RESOURCES } from '../../src/fleet/fleet.ts'
import { RunVms, type SavedVm } from '../../src/fleet/run-vms.ts'

/** A fleet that does as it is told: what it was asked, and how the next renewals and downs go. */
class ScriptedFleet {
  readonly launched: string[] = []
  readonly renewed: (readonly string[])[] = []
  readonly downs: (readonly string[])[] = []
  renewal: () => Promise<void> = async () => {}
  readonly unverified = new Set<string>()
  launching: Promise<void> = Promise.resolve()

  readonly fleet: Fleet = {
    kind: 'sky',
    check: async () => {},
    launch: async ({ name }) => {
      this.launched.push(name)
      await this.launching
      return { vm: name, id: 1 }
    },
    jobState: async () => ({ status: 'RUNNING', exitCode: null }),
    jobEnd: () => new Promise(() => {}),
    tailLog: async () => [],
    fetch: async () => false,
    push: async () => {},
    endpoint: async () => ({ host: '127.0.0.1', port: 1 }),
    down: async names => {
      this.downs.push(names)
      return names.map(
        (name): DownResult =>
          this.unverified.has(name)
            ? { name, verified: false, reason: 'locked', command: `sky down -y ${name}` }
            : { name, verified: true },
      )
    },
    list: async () => [],
    renewLease: async names => {
      this.renewed.push(names)
      await this.renewal()
    },
    prices: async names =>
      new Map(names.map(name => [name, { hourly: 2, spot: true, what: `a GPU for ${name}` }])),
    close: async () => {},
  }
}

/** Time stands still but for the interval that is told to tick. */
class Ticks {
  now = Date.UTC(2026, 8, 1, 12)
  #work: () => void = () => {}
  readonly clock: Clock = {
    ...systemClock,
    now: () => this.now,
    every: (_, work) => {
      this.#work = work
      return { [Symbol.dispose]: () => (this.#work = () => {}) }
    },
  }

  async tick(): Promise<void> {
    this.now += 200_000
    this.#work()
    await new Promise(resolve => setImmediate(resolve))
  }
}

const forever = new AbortController().signal
let scripted: ScriptedFleet
let time: Ticks
let saved: (readonly SavedVm[])[]
let warnings: string[]
let vms: RunVms
beforeEach(() => {
  scripted = new ScriptedFleet()
  time = new Ticks()
  saved = []
  warnings = []
  vms = new RunVms(scripted.fleet, {
    clock: time.clock,
    leaseMinutes: 10,
    save: all => saved.push(all),
    warn: text => warnings.push(text),
  })
})

function request(name: string, more: Partial<LaunchRequest> = {}): LaunchRequest {
  const task = { template: 't.yaml', envs: {}, secrets: {} }
  return { ...task, name, leaseMinutes: 10, labels: {}, resources: NO_RESOURCES, reuse: false, ...more }
}

describe('leases', () => {
  it('are renewed in one call, for all that are up and not told to go', async () => {
    await Promise.all(['a', 'b', 'c'].map(name => vms.launch(request(name), 'server', forever)))
    scripted.launching = new Promise(() => {})
    void vms.launch(request('under-launch'), 'server', forever)
    await vms.end('b')
    await time.tick()
    expect(scripted.renewed).toEqual([['a', 'c']])
  })

  it('alarm after two misses in a row, once, and say when what ends', async () => {
    await vms.launch(request('a'), 'server', forever)
    scripted.renewal = async () => {
      throw new Error('no network')
    }
    await time.tick()
    expect(warnings).toEqual([])
    await time.tick()
    await time.tick()
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('no network')
    expect(warnings[0]).toContain('a at 12:10 UTC')
  })

  it('do not alarm for misses apart from each other', async () => {
    await vms.launch(request('a'), 'server', forever)
    for (const fails of [true, false, true, false]) {
      scripted.renewal = () => (fails ? Promise.reject(new Error('busy')) : Promise.resolve())
      await time.tick()
    }
    expect(warnings).toEqual([])
  })

  it('count a renewal that hangs as missed', async () => {
    await vms.launch(request('a'), 'server', forever)
    scripted.renewal = () => new Promise(() => {})
    for (let i = 0; i < 3; i++) await time.tick()
    expect(warnings[0]).toContain('has not ended')
  })
})

describe('names', () => {
  it('belong to one VM at a time', async () => {
    await vms.launch(request('a'), 'server', forever)
    await expect(vms.launch(request('a'), 'server', forever)).rejects.toThrow('there is one already')
    scripted.unverified.add('a')
    await vms.end('a')
    await expect(vms.launch(request('a'), 'server', forever)).rejects.toThrow('there is one already')
    scripted.unverified.clear()
    await vms.end('a')
    await vms.launch(request('a'), 'server', forever)
    expect(vms.endings().map(vm => vm.goneAt !== null)).toEqual([true, false])
    const price = { hourly: 2, spot: true, what: 'a GPU for a' }
    const launch = { fleet: 'sky', name: 'a', role: 'server', ending: 'down', launchedAt: time.now, price }
    // Whoever reports for a run that was killed tells by it what each launch has cost.
    expect(saved.at(-1)).toEqual([
      { ...launch, goneAt: time.now },
      { ...launch, goneAt: null },
    ])
  })
})

describe('the end', () => {
  it('tells all in one call, and once more what was not seen to go before', async () => {
    for (const name of ['a', 'b', 'c']) await vms.launch(request(name), 'server', forever)
    scripted.unverified.add('a')
    await vms.end('a')
    expect(warnings[0]).toContain('sky down -y a')
    await vms.endAll()
    await vms.endAll()
    expect(scripted.downs).toEqual([['a'], ['a', 'b', 'c']])
    expect(vms.endings().find(vm => vm.name === 'a')?.command).toBe('sky down -y a')
    await expect(vms.launch(request('d'), 'server', forever)).rejects.toThrow('the run is ending')
  })

  it('keeps a VM that was to be kept and served, and arms its lease once more', async () => {
    for (const name of ['warm', 'cold']) await vms.launch(request(name, { reuse: true }), 'server', forever)
    vms.ready('warm')
    expect(saved.at(-1)?.map(vm => vm.ending)).toEqual(['keep', 'down'])
    await vms.release('warm')
    await vms.endAll()
    expect(scripted.downs).toEqual([['cold']])
    expect(scripted.renewed).toEqual([['warm']])
    expect(vms.endings()[0]).toMatchObject({ name: 'warm', goneAt: null, kept: true })
    expect(vms.endings()[0]?.command).toBe('lmrun down warm --fleet sky')
  })

  it('does not keep one that is ended because it failed', async () => {
    await vms.launch(request('warm', { reuse: true }), 'server', forever)
    vms.ready('warm')
    await vms.end('warm')
    expect(vms.isGone('warm')).toBe(true)
  })

  it('knows the price of each', async () => {
    await vms.launch(request('a'), 'server', forever)
    await vms.priced()
    expect(vms.endings()[0]?.price).toEqual({ hourly: 2, spot: true, what: 'a GPU for a' })
  })
})
