import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { readScores } from '../../src/livebench/scores.ts'
import { fixture, scoresOf } from './tree.ts'

describe('a real run of LiveBench', () => {
  test('scores as LiveBench itself printed them', async () => {
    const { average, categories, tasks } = await scoresOf(fixture, 'qwen-coder')
    const groups = csv('all_groups.csv')['qwen-coder'] ?? {}
    const { average: overall, ...byCategory } = groups
    expect(average?.toFixed(1)).toBe(overall)
    expect(rounded(categories, 1)).toEqual(byCategory)
    expect(rounded(tasks, 1)).toEqual(csv('all_tasks.csv')['qwen-coder'])
    expect(byCategory).toEqual({
      coding: '16.7',
      data_analysis: '50.0',
      instruction_following: '100.0',
      language: '0.0',
      math: '0.0',
      reasoning: '0.0',
    })
    expect(average).toBeCloseTo((50 / 3 + 50 + 100) / 6, 12)
  })

  test('names the graders that failed', async () => {
    for (const [model, average] of [
      ['gold', 87.5],
      ['qwen-coder', 27.77777777777778],
    ] as const) {
      const scores = await scoresOf(fixture, model)
      expect(scores.average).toBeCloseTo(average, 12)
      expect(scores.valid).toBe(false)
      expect(scores.questions).toEqual({
        expected: 13,
        scored: 11,
        errors: 0,
        graderErrors: 2,
        excluded: 0,
        missing: 0,
      })
      expect(scores.reasons).toEqual([
        '2 grader errors: amps_hard_derivative in AMPS_Hard (2188ed852e6a65f3fe223ca5d81d0678a8f712ffe843ee3e20fcc6f659bbcb84): RuntimeError: OPENAI_API_KEY not set; cannot run LLM validation fallback for AMPS_Hard; amc12 in math_comp (cf195856623d55337dbbff66137d695305509e604e97b60bb1b369bd3eb3af3b): NotImplementedError: This task (amc12) has not been implemented yet.',
      ])
    }
  })

  test('names the questions that a partial run missed', async () => {
    const scores = await scoresOf(fixture, 'qc-serial')
    expect(scores.questions).toEqual({
      expected: 13,
      scored: 9,
      errors: 0,
      graderErrors: 0,
      excluded: 0,
      missing: 4,
    })
    expect(scores.average).toBeCloseTo(50 / 3, 12)
    expect(scores.reasons).toEqual([
      '4 missing questions (no judgment): summarize: ec19b8fd5a431543176cdc94c31178c6c520be6d541a474aecf479357d9e4c58; AMPS_Hard: 2188ed852e6a65f3fe223ca5d81d0678a8f712ffe843ee3e20fcc6f659bbcb84; math_comp: cf195856623d55337dbbff66137d695305509e604e97b60bb1b369bd3eb3af3b, ce146d7fc5851f1cdf86b37f343865edad4c77b58acdc82b67d1a971b5f1eb5a',
    ])
  })

  test('is one document, and tells which questions it stands on', async () => {
    const { scores, warnings, questions } = await readScores(fixture)
    expect(scores.schema).toBe('lmrun.scores/v1')
    expect(Object.keys(scores.models)).toEqual(['gold', 'qc-serial', 'qwen-coder'])
    expect(warnings).toEqual([])
    const ids = Object.values(csv('df_raw.csv')).map(row => row.question_id ?? '')
    expect(questions.expected).toBe(13)
    expect(questions.sha256()).toBe(createHash('sha256').update(ids.sort().join('\n')).digest('hex'))
  })

  test('a benchmark name selects a category or a task', async () => {
    const coding = await scoresOf(fixture, 'qwen-coder', { benchmarks: ['live_bench/coding'] })
    expect(coding.valid).toBe(true)
    expect(coding.average).toBeCloseTo(50 / 3, 12)
    const two = ['live_bench/coding/LCB_generation/', 'live_bench/data_analysis']
    expect(Object.keys((await scoresOf(fixture, 'gold', { benchmarks: two })).tasks)).toEqual([
      'LCB_generation',
      'consecutive_events',
      'cta',
    ])
  })
})

function rounded(values: Readonly<Record<string, number>>, digits: number): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.toFixed(digits)]))
}

/** Rows by their first column. */
function csv(name: string): Record<string, Record<string, string>> {
  const [header = [], ...rows] = readFileSync(path.join(fixture, name), 'utf8')
    .trim()
    .split('\n')
    .map(line => line.split(','))
  return Object.fromEntries(
    rows.map(([key, ...cells]) => [key, Object.fromEntries(cells.map((cell, i) => [header[i + 1], cell]))]),
  )
}
