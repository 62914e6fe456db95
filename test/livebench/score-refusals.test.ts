import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { readScores } from '../../src/livebench/scores.ts'
import { fixture, judgment, question, tempDir, tree, writeTree } from './tree.ts'

async function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'not refused',
    (error: unknown) => `${error instanceof Error ? `${error.name}: ${error.message}` : error}`,
  )
}

describe('releases', () => {
  const dated = (id: string, released: unknown, removed: unknown) =>
    question(id, { livebench_release_date: released, livebench_removal_date: removed })
  const releases = () =>
    tree({
      'math/aime': {
        questions: [
          dated('first', '2024-06-24', ''),
          dated('removed', '2024-06-24', '2024-11-25'),
          dated('removed-later', '2024-06-24', '2025-04-02'),
          dated('later', '2025-04-25', ''),
          dated('odd', '2024-07-01', ''),
          { question_id: 'undated', category: 'math', task: 'aime', turns: ['?'] },
          dated('null', null, null),
        ],
        judgments: [],
        answers: { m: [] },
      },
    })

  test.each([
    [
      undefined,
      'first, later, odd, undated, null',
      '2 of 7 questions left out: removed by 2026-01-08, the newest release',
    ],
    [
      '2024-11-25',
      'first, removed-later, undated, null',
      '3 of 7 questions left out: not released by 2024-11-25, or removed by then',
    ],
    ['2024-08-31', 'first, removed, removed-later, undated, null', '2 of 7 questions left out'],
    ['2026-01-08', 'first, later, undated, null', '3 of 7 questions left out'],
  ])('%s asks %s', async (release, ids, warning) => {
    const { scores, warnings, questions } = await readScores(releases(), release ? { release } : {})
    expect(scores.models.m?.reasons[0]).toContain(`(no judgment): aime: ${ids}`)
    expect(warnings[0]).toContain(warning)
    expect(questions.leftOut).toBe(7 - questions.expected)
  })

  test('nothing left is refused', async () => {
    const dir = tree({
      'math/aime': { questions: [dated('q1', '2025-04-25', '')], judgments: [judgment('q1', 1)] },
    })
    expect(await refusal(readScores(dir, { release: '2024-06-24' }))).toBe(
      'InputError: release: no question is left: all 1 are left out, not released by 2024-06-24, or removed by then. Choose a later release, or none',
    )
  })
})

describe('refusals', () => {
  test.each([
    [
      'no folder',
      () => '/nonexistent',
      {},
      '/nonexistent: there is no such folder. Give the folder that holds data/live_bench or live_bench',
    ],
    [
      'a file',
      () => import.meta.filename,
      {},
      `${import.meta.filename}: is a file. Give the folder that holds`,
    ],
    [
      'another folder',
      () => import.meta.dirname,
      {},
      'it holds neither data/live_bench nor live_bench. Give the folder in which LiveBench (or lmrun answer) ran',
    ],
    [
      'live_bench itself',
      () => path.join(fixture, 'data/live_bench'),
      {},
      `Give the folder that holds live_bench: ${path.join(fixture, 'data')}`,
    ],
    [
      'an empty live_bench',
      () => writeTree(tempDir(), { math: {} }),
      {},
      'it holds no question.jsonl, no model_answer/*.jsonl and no model_judgment/ground_truth_judgment.jsonl',
    ],
    [
      'no question',
      () => tree({ 'math/aime': { questions: '\n' } }),
      {},
      'its question files hold no question',
    ],
    [
      'a release',
      () => fixture,
      { release: '2024-01-01' },
      'release: "2024-01-01" is not a LiveBench release. The releases are 2024-06-24, 2024-07-26, 2024-08-31, 2024-11-25, 2025-04-02, 2025-04-25, 2025-05-30, 2025-11-25, 2025-12-23, 2026-01-08',
    ],
    [
      'a benchmark',
      () => fixture,
      { benchmarks: ['live_bench/codign'] },
      'benchmark: there is no "live_bench/codign" here; did you mean "live_bench/coding"?. It holds live_bench, live_bench/coding, live_bench/coding/LCB_generation',
    ],
    [
      'a benchmark without its root',
      () => fixture,
      { benchmarks: ['coding'] },
      'did you mean "live_bench/coding"?',
    ],
    ['a way out', () => fixture, { benchmarks: ['live_bench/..'] }, 'there is no "live_bench/.." here'],
  ])('%s', async (_, dir, options, message) => {
    expect(await refusal(readScores(dir(), options))).toContain(message)
  })

  test('all problems at once', async () => {
    const message = await refusal(
      readScores(fixture, { release: 'newest', benchmarks: ['x', 'live_bench/y'] }),
    )
    expect(message.split('\n').map(line => line.replace(/^InputError: /, '').slice(0, 28))).toEqual([
      'release: "newest" is not a L',
      'benchmark: there is no "x" h',
      'benchmark: there is no "live',
    ])
  })
})
