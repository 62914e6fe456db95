import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSame } from '../../../src/livebench/grade/amps-hard.ts'
import { parseLatex } from '../../../src/livebench/grade/latex.ts'
import { normalizeLatex } from '../../../src/livebench/grade/normalize-latex.ts'

test.each([
  ['3x^2', '3x^{2}'],
  ['3x^2', '3 \\cdot x^2'],
  ['\\frac{1}{2}', '\\dfrac12'],
  ['\\frac{1}{2}', '0.5'],
  ['\\frac{1}{2}', '1/2'],
  ['x^2-1', '(x-1)(x+1)'],
  ['2 x \\sin (x)', '2x\\sin x'],
  ['\\sin^2 x + \\cos^2 x', '1'],
  ['\\sin (2 x)', '2 \\sin(x) \\cos(x)'],
  ['\\sin^{-1}(x)', '\\arcsin x'],
  ['\\sqrt{8}', '2\\sqrt2'],
  ['\\sqrt[3]{-8}', '-2'],
  ['\\log_2 8', '3'],
  ['\\ln(e^x)', 'x'],
  ['-x^2', '-(x^2)'],
  ['|x|', '\\left|-x\\right|'],
  ['e^{-x}', '\\frac{1}{e^x}'],
  ['\\pi', '3.14159'],
  ['100,000', '100000'],
  ['\\text{even}', 'even'],
  ['\\left(1, 2\\right)', '(1,2)'],
  ['a b', 'b \\times a'],
  ['\\operatorname{arctan}(x)', '\\tan^{-1}(x)'],
])('%s is %s', (a, b) => {
  expect(isSame(a, b)).toBe(true)
  expect(isSame(b, a)).toBe(true)
})

test.each([
  ['3x^2', '2x^2'],
  ['x', 'y'],
  ['(x-1)^2', 'x^2-1'],
  ['\\frac{1}{2}', '\\frac{1}{3}'],
  ['(1, 2)', '(2, 1)'],
  ['\\text{even}', 'odd'],
  ['', ''],
  ['\\sqrt{-1}', '\\sqrt{-2}'],
  ['x', '|x|'],
  ['\\begin{matrix}1\\end{matrix}', '1'],
])('%s is not %s', (a, b) => {
  expect(isSame(a, b)).toBe(false)
})

test('numbers are what JavaScript computes', () => {
  const operand = fc.integer({ min: -99, max: 99 }).map(n => (n < 0 ? `(${n})` : `${n}`))
  const tail = fc.array(fc.tuple(fc.constantFrom('+', '-', '*'), operand), { maxLength: 6 })
  fc.assert(
    fc.property(operand, tail, (first, rest) => {
      const text = first + rest.map(([operator, value]) => operator + value).join('')
      // -0 is 0 here.
      expect((parseLatex(text)?.value(new Map()) ?? Number.NaN) + 0).toBe(
        new Function(`return ${text} + 0`)(),
      )
    }),
  )
})

test('any text is an expression or none, however deep', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void parseLatex(normalizeLatex(text))))
  for (const one of ['(', '{', '|', '-', '\\frac', '\\sqrt', 'x^', '\\text{', '\\sin']) {
    expect(parseLatex(normalizeLatex(one.repeat(5000)))).toBeUndefined()
    expect(parseLatex(one.repeat(Math.floor(499 / one.length)))).toBeUndefined()
  }
})
