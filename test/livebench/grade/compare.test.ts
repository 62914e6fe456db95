import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sameJson, sameText } from '../../../src/livebench/grade/compare.ts'

test.each([
  ['3', '3.0', true],
  ['true', '1', true],
  ['false', 'null', false],
  ['1', '"1"', false],
  ['[1, [2]]', '[1,[2]]', true],
  ['[1, 2]', '[2, 1]', false],
  ['[1, 2]', '1', false],
  ['{"1": 2, "a": 3}', '{"a": 3, "1": 2}', true],
  ['{"a": 1}', '{"a": 1, "b": 2}', false],
  ['{"a": 1}', '{"toString": 1}', false],
  ['100000000000000000001', '100000000000000000000', false],
  ['100000000000000000001', '100000000000000000001', true],
  ['NaN', 'NaN', false],
  ['null', '', false],
])('JSON %s and %s: %s', (expected, output, same) => {
  expect(sameJson(expected, output)).toBe(same)
})

test.each([
  ['6\n', '6', true],
  ['1\n2\n', ' 1 \n\n2', true],
  ['1\r\n2', '1\n2\n', true],
  ['0.333333', '0.33333333', true],
  ['1', '1.0', true],
  ['1000000', '1000001', false],
  ['a 0.5', 'a  0.500000001', true],
  ['1 2', '1', false],
  ['yes', 'Yes', false],
  ['0x10', '16', false],
  ['', '\n', true],
])('text %j and %j: %s', (expected, output, same) => {
  expect(sameText(expected, output)).toBe(same)
})

test('everything is the same as itself', () => {
  fc.assert(fc.property(fc.json(), json => sameJson(json, json)))
  fc.assert(fc.property(fc.string(), text => sameText(text, `${text}\n`)))
})
