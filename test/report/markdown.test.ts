import { describe, expect, test } from 'vitest'
import { renderReport } from '../../src/report/markdown.ts'
import type { Results } from '../../src/report/results.ts'
import { createModel, createResults, createRunPart, createScores, createVms } from '../support/results.ts'

const firstLine = (results: Results) => renderReport(results).split('\n')[0]
const invalid = createModel({
  scores: createScores({
    valid: false,
    average: 77.7,
    questions: { expected: 128, scored: 127, errors: 1, graderErrors: 0, excluded: 0, missing: 0 },
    reasons: ['1 answer failed'],
  }),
})

describe('headline', () => {
  const failure = { what: 'the template\nis wrong' }
  test.each<[string, Partial<Results>, string]>([
    ['one model', {}, '### LMRun: `qwen-coder` 58.6'],
    ['one invalid model', { models: { m: invalid } }, '### LMRun: `m` INVALID (1 error)'],
    ['no model', { models: {} }, '### LMRun: no model was measured'],
    [
      'a model without scores',
      { models: { m: createModel({ scores: null }) } },
      '### LMRun: `m` INVALID (no scores)',
    ],
    [
      'a failed run',
      { run: createRunPart({ status: 'failed' }), failure },
      '### LMRun failed: the template is wrong',
    ],
    [
      'a failure without a reason',
      { run: createRunPart({ status: 'failed' }) },
      '### LMRun failed: no reason was recorded',
    ],
    [
      'a model that failed beside one that did not',
      {
        run: createRunPart({ status: 'failed' }),
        models: { a: createModel({ scores: null, failure }), b: createModel() },
      },
      '### LMRun: `a` INVALID (the template is wrong) · `b` 58.6',
    ],
    [
      'a cancelled run',
      {
        run: createRunPart({ status: 'cancelled' }),
        models: { m: createModel({ scores: null, speed: null }) },
      },
      '### LMRun cancelled after 14 min',
    ],
    [
      'many models',
      {
        models: {
          a: createModel(),
          b: invalid,
          c: createModel({ scores: createScores({ average: 70 }) }),
          d: createModel(),
          e: createModel(),
        },
      },
      '### LMRun: 5 models, best `c` 70.0, 1 INVALID',
    ],
  ])('%s', (_, overrides, line) => {
    expect(firstLine(createResults(overrides))).toBe(line)
  })
})

describe('what became of the VMs is always said', () => {
  const gone = (names: readonly string[]) => renderReport(createResults({ vms: createVms(names) }))
  test('all gone', () => {
    expect(gone([])).toContain('no VM was launched')
    expect(gone(['a'])).toContain('its VM is gone')
    expect(gone(['a', 'b'])).toContain('both VMs gone')
    expect(gone(['a', 'b', 'c'])).toContain('all 3 VMs gone')
  })

  test('each survivor with its command, also when none was recorded', () => {
    const [client, server, other] = createVms(['client', 'm', 'n'])
    if (!client || !server || !other) expect.fail()
    const report = renderReport(
      createResults({
        vms: [client, { ...server, goneAt: null, command: 'sky down m' }, { ...other, goneAt: null }],
      }),
    )
    expect(report).toContain('2 of 3 VMs not seen to be gone')
    expect(report).toContain('> ```sh\n> sky down m\n> lmrun down n-x7f2q\n> ```')
  })
})

describe('the score table', () => {
  const header = (results: Results) =>
    renderReport(results)
      .split('\n')
      .find(line => line.startsWith('|'))
  const columns = (results: Results) =>
    header(results)
      ?.split('|')
      .slice(1, -1)
      .map(title => title.trim())

  test('has no column that one model does not need', () => {
    expect(columns(createResults())).toEqual([
      'overall',
      'LCB_generation',
      'coding_completion',
      'TTFT p50',
      'tokens/s p50',
    ])
    const plain = createModel({ speed: null, scores: createScores({ tasks: { LCB_generation: 1 } }) })
    expect(columns(createResults({ models: { m: plain } }))).toEqual(['overall'])
  })

  test('has no number in the row of an invalid model', () => {
    const report = renderReport(createResults({ models: { good: createModel(), bad: invalid } }))
    const row = report.split('\n').find(line => line.startsWith('| `bad`'))
    expect(row).toContain('INVALID')
    expect(row).not.toMatch(/\d/)
    expect(report).not.toContain('77.7')
    expect(report).toContain('- 1 answer failed')
  })

  test('is not there when there is nothing to show', () => {
    expect(header(createResults({ models: { m: { ...invalid, speed: null } } }))).toBeUndefined()
  })

  test('shows a dash for a category that a model has not', () => {
    const a = createModel({ scores: createScores({ categories: { coding: 1, constructor: 3 } }) })
    const b = createModel({ scores: createScores({ categories: { coding: 1, math: 2 } }) })
    const rows = renderReport(createResults({ models: { a, b } }))
      .split('\n')
      .filter(line => /^\| `[ab]` +\| \*\*/.test(line))
    expect(
      rows.map(row =>
        row
          .split('|')
          .map(value => value.trim())
          .slice(2, 6),
      ),
    ).toEqual([
      ['**58.6**', '1.0', '3.0', '–'],
      ['**58.6**', '1.0', '–', '2.0'],
    ])
  })
})

test('only a plain web address becomes a link', () => {
  for (const url of ['javascript:alert(1)', 'https://a.b/) [x](c', 'https://a.b/?q', '//a.b']) {
    expect(renderReport(createResults({ run: createRunPart({ url }) }))).not.toContain('](')
  }
  expect(renderReport(createResults())).toContain(
    '[Full report](https://github.com/acme/serving/actions/runs/4242/attempts/1)',
  )
})
