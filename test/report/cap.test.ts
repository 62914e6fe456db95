import fc from 'fast-check'
import { lexer } from 'marked'
import { describe, expect, test } from 'vitest'
import { joinWithin } from '../../src/report/cap.ts'
import { COMMENT_LIMIT, renderReport } from '../../src/report/markdown.ts'
import { renderSummary, SUMMARY_LIMIT } from '../../src/report/summary.ts'
import {
  createModel,
  createQuestion,
  createResults,
  createRunPart,
  createScores,
  createVms,
} from '../support/results.ts'
import { CASES } from './cases.ts'

describe('joinWithin', () => {
  const sections = [
    { name: 'a', rank: 1, markdown: 'a'.repeat(100) },
    { name: 'b', rank: 2, markdown: 'b'.repeat(100) },
    { name: 'c', rank: 2, markdown: 'c'.repeat(100) },
  ]
  const draft = {
    heads: ['H'.repeat(50), 'h'],
    sections,
    foot: (dropped: readonly string[]) => `-${dropped.join()}`,
  }
  test('drops the greatest rank first, of equals the last, and names them in their order', () => {
    expect(joinWithin(draft, 280)).toMatch(/a{100}\n\nb{100}\n\n-c\n$/)
    expect(joinWithin(draft, 180)).toMatch(/H\n\na{100}\n\n-b,c\n$/)
    expect(joinWithin(draft, 30)).toBe('h\n\n-all details\n')
  })
})

describe('every report is below its limit', () => {
  const wild = '日`|@x'
  const many = fc
    .record({
      models: fc.integer({ min: 0, max: 60 }),
      length: fc.integer({ min: 1, max: 8000 }),
      valid: fc.boolean(),
    })
    .map(({ models, length, valid }) => {
      const text = wild.repeat(Math.ceil(length / wild.length))
      const keys = Array.from({ length: models }, (_, index) => `${text.slice(0, 300)}${index}`)
      const scores = createScores({
        valid,
        reasons: Array(30).fill(text),
        categories: Object.fromEntries(
          Array.from({ length: 40 }, (_, index) => [`${text.slice(0, 200)}${index}`, index]),
        ),
      })
      const model = createModel({
        model: text,
        scores,
        failedQuestions: Array(12).fill(createQuestion({ prompt: text, answer: text })),
      })
      return createResults({
        run: createRunPart({ status: models === 0 ? 'failed' : 'completed', infra: text, lmrun: text }),
        models: Object.fromEntries(keys.map(key => [key, model])),
        vms: createVms(keys).map(vm => ({ ...vm, goneAt: null, command: text })),
        warnings: Array(40).fill(text),
        failure: { what: text, cause: text, hint: text, log: Array(100).fill(text) },
      })
    })

  test('the comment', () => {
    fc.assert(
      fc.property(many, results => {
        const report = renderReport(results)
        expect(report.length).toBeLessThan(COMMENT_LIMIT)
        expect(Buffer.byteLength(report)).toBeLessThan(COMMENT_LIMIT)
      }),
      { numRuns: 25 },
    )
  })

  test('the summary', () => {
    fc.assert(
      fc.property(many, results => {
        expect(Buffer.byteLength(renderSummary(results))).toBeLessThan(SUMMARY_LIMIT)
      }),
      { numRuns: 5 },
    )
  })
})

test('a cut report still ends every fence and every fold, and points to the whole', () => {
  const results = CASES.huge?.() ?? expect.fail()
  const whole = renderReport(results, { limit: Infinity })
  const cut = renderReport(results)
  expect(whole.length).toBeGreaterThan(COMMENT_LIMIT)
  expect(whole).not.toContain('Left out to fit')
  expect(cut).toContain('Left out to fit: failed questions of')
  expect(cut.match(/<details>/g)).toHaveLength(cut.match(/<\/details>/g)?.length ?? 0)
  const fences = lexer(cut).filter(token => token.type === 'code')
  expect(fences.every(({ raw }) => /(`{3,})\n*$/.test(raw))).toBe(true)
})
