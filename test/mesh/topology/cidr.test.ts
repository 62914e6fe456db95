import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPrivate, isWithin, overlaps, readCidr, subnet } from '../../../src/mesh/topology/cidr.ts'

const cidrs = fc.tuple(fc.nat(0xffff_ffff), fc.integer({ min: 0, max: 32 })).map(([number, bits]) => {
  const first = bits === 0 ? 0 : (number >>> (32 - bits)) * 2 ** (32 - bits)
  return `${[24, 16, 8, 0].map(shift => Math.floor(first / 2 ** shift) % 256).join('.')}/${bits}`
})

test.each([
  ['10.64.0.0/16', { first: 0x0a40_0000, last: 0x0a40_ffff, bits: 16 }],
  ['0.0.0.0/0', { first: 0, last: 0xffff_ffff, bits: 0 }],
  ['255.255.255.255/32', { first: 0xffff_ffff, last: 0xffff_ffff, bits: 32 }],
])('%s is a range', (text, range) => expect(readCidr(text)).toEqual(range))

test.each([
  ...['10.64.1.0/16', '10.64.0.0', '10.64.0.0/33', '10.256.0.0/16', '10.064.0.0/16', '10.64.0/16'],
  ...['::/0', ' 10.64.0.0/16', '10.64.0.0/016', '', '1.0.0.0.0/8'],
])('%j is none', text => expect(readCidr(text)).toBeNull())

test('ranges overlap when they share an address, both ways', () => {
  fc.assert(
    fc.property(cidrs, cidrs, (a, b) => {
      const shared = isWithin(a, b) || isWithin(b, a)
      expect(overlaps(a, b)).toBe(shared)
      expect(overlaps(b, a)).toBe(shared)
    }),
  )
})

test('the parts of a range are within it and apart', () => {
  const parts = Array.from({ length: 8 }, (_, index) => subnet('10.255.0.0/16', { bits: 19, index }))
  expect(parts.every(part => isWithin(part, '10.255.0.0/16'))).toBe(true)
  expect(parts.filter(part => parts.filter(other => overlaps(part, other)).length > 1)).toEqual([])
  expect(parts.at(-1)).toBe('10.255.224.0/19')
})

test.each([
  ['10.0.0.0/8', true],
  ['172.31.0.0/16', true],
  ['100.64.0.0/16', true],
  ['172.32.0.0/16', false],
  ['0.0.0.0/0', false],
  ['8.8.0.0/16', false],
])('%s is private: %s', (text, expected) => expect(isPrivate(text)).toBe(expected))
