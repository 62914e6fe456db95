import { expect, test } from 'vitest'
import { duration, percent, plural, rate, score, seconds } from '../../src/report/numbers.ts'

test.each([
  [score(58.6328), '58.6'],
  [score(100), '100.0'],
  [percent(0.333), '33 %'],
  [seconds(0.312), '0.31 s'],
  [seconds(9.996), '10.0 s'],
  [rate(9.94), '9.9'],
  [rate(9.96), '10'],
  [rate(1412.4), '1,412'],
  [plural(1, 'question'), '1 question'],
  [plural(0, 'question'), '0 questions'],
  [plural(12_345, 'reply', 'replies'), '12,345 replies'],
  [duration(-5), '0.0 s'],
  [duration(420), '0.4 s'],
  [duration(41_300), '41 s'],
  [duration(59_600), '1 min'],
  [duration(200_000), '3 min 20 s'],
  [duration(14 * 60_000 + 10_000), '14 min'],
  [duration(3_599_000), '1 h'],
  [duration(7_500_000), '2 h 5 min'],
])('%s', (shown, expected) => {
  expect(shown).toBe(expected)
})
