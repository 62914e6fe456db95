import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runCost, vmRecord } from '../src/cost.ts'
import type { VmEnding } from '../src/fleet/run-vms.ts'

const NOW = 10_000_000
const anyVm: fc.Arbitrary<VmEnding> = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c'),
    role: fc.constantFrom('server', 'client'),
    launchedAt: fc.nat(NOW),
    goneAt: fc.option(fc.integer({ min: NOW, max: 2 * NOW })),
    price: fc.record({
      hourly: fc.double({ min: 0, max: 100, noNaN: true }),
      spot: fc.boolean(),
      what: fc.string(),
    }),
  },
  { requiredKeys: ['name', 'role', 'launchedAt', 'goneAt'] },
)

it('costs its price for the hours from launch until gone', () => {
  const price = { hourly: 4, spot: true, what: 'L4' }
  const vm = { name: 'a', role: 'server', launchedAt: 0, goneAt: 1_800_000, price } as const
  expect(vmRecord(vm, NOW)).toEqual({
    ...{ name: 'a', role: 'server', launchedAt: 0, goneAt: 1_800_000 },
    ...{ hourly: 4, spot: true, what: 'L4', cost: 2 },
  })
  expect(vmRecord({ ...vm, goneAt: null }, 3_600_000).cost).toBe(4)
})

it('adds up to the total, and names what it does not know', () => {
  fc.assert(
    fc.property(fc.array(anyVm), vms => {
      const records = vms.map(vm => vmRecord(vm, NOW))
      const cost = runCost(records)
      const known = vms.filter(vm => vm.price)
      expect(cost === undefined).toBe(known.length === 0)
      if (!cost) return
      const sum = records.reduce((total, record) => total + (record.cost ?? 0), 0)
      expect(cost.total).toBeCloseTo(sum, 6)
      expect(cost.total).toBeGreaterThanOrEqual(0)
      expect(new Set(cost.unknown)).toEqual(new Set(vms.filter(vm => !vm.price).map(vm => vm.name)))
    }),
  )
})
