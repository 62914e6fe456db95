import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { answer, fixture, judgment, question, tree } from '../livebench/tree.ts'

const cli = path.join(import.meta.dirname, '../../src/cli.ts')

function lmrun(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'score', ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe('lmrun score', () => {
  test('prints the document, unrounded', () => {
    const { status, stdout, stderr } = lmrun(fixture, '--json')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const { schema, models } = JSON.parse(stdout)
    expect(schema).toBe('lmrun.scores/v1')
    expect(models['qwen-coder'].average).toBeCloseTo(27.7777777777, 9)
    expect(models.gold).toMatchObject({
      average: 87.5,
      valid: false,
      questions: { expected: 13, graderErrors: 2 },
    })
  })

  test('prints a table, and takes its options', () => {
    const { status, stdout } = lmrun(
      fixture,
      '--benchmark',
      'live_bench/coding',
      'live_bench/language',
      '--model',
      'GOLD',
    )
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^model +overall +coding +language +scored +validity\ngold +100\.0 +100\.0 +100\.0 +5 of 5 +valid\n/,
    )
  })

  test('an error more than is allowed is invalid, and still exit 0; warnings go to stderr', () => {
    const dir = tree({
      'math/aime': {
        questions: [question('q1'), question('q2')],
        judgments: [judgment('q1', 1), judgment('q2', 0), '{'],
        answers: { m: [answer('q2', '')] },
      },
    })
    expect(lmrun(dir)).toMatchObject({ status: 0, stdout: expect.stringContaining('INVALID (50.0)') })
    const allowed = lmrun(dir, '--allow-errors', '1')
    expect(allowed).toMatchObject({ status: 0, stdout: expect.stringContaining('valid: 1 error') })
    expect(allowed.stderr).toMatch(
      /^lmrun: warning: .*ground_truth_judgment.jsonl:3: not a line of LiveBench’s/,
    )
  })

  test.each([
    [['/nonexistent'], '/nonexistent: there is no such folder'],
    [[path.dirname(cli)], 'it holds neither data/live_bench nor live_bench'],
    [
      [fixture, '--release', '2024-13-01'],
      'release: "2024-13-01" is not a LiveBench release. The releases are 2024-06-24',
    ],
    [[fixture, '--release', '2024-06-24'], 'no question is left: all 13 are left out'],
    [[fixture, '--benchmark', 'live_bench/maths'], 'did you mean "live_bench/math"?'],
    [[fixture, '--allow-errors', '-1'], '--allow-errors: "-1" is not a whole number'],
    [[], 'missing required argument'],
  ])('%j is refused', (args, message) => {
    const { status, stdout, stderr } = lmrun(...args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})
