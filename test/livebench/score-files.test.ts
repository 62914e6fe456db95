import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { readScores } from '../../src/livebench/scores.ts'
import { answer, judgment, question, scoresOf, tempDir, tree, writeTree } from './tree.ts'

const [one, two, three] = [question('q1'), question('q2'), question('q3')]

describe('files', () => {
  test('live_bench may lie in data or not, and folders may be deeper, or links', async () => {
    const files = { questions: [one], judgments: [judgment('q1', 1)] }
    const dir = writeTree(tempDir(), { 'agentic/python/deep': files }, 'live_bench')
    const elsewhere = tree({ 'math/aime': files })
    symlinkSync(path.join(elsewhere, 'data/live_bench/math'), path.join(dir, 'live_bench/math'))
    symlinkSync(path.join(dir, 'live_bench'), path.join(dir, 'live_bench/agentic/itself'))
    expect((await scoresOf(dir)).questions).toMatchObject({ expected: 2, scored: 2 })
  })

  test('a byte order mark, CRLF, blank lines and no last newline are fine', async () => {
    const lines = [judgment('q1', 1), judgment('q2', 0)].map(line => JSON.stringify(line))
    const dir = tree({
      'math/aime': {
        questions: `\uFEFF${JSON.stringify(one)}\r\n\r\n  \r\n${JSON.stringify(two)}`,
        judgments: `\uFEFF\r\n${lines.join('\r\n')}`,
        answers: { m: `\uFEFF${JSON.stringify(answer('q1', 'x'))}\r\n` },
      },
    })
    const report = await readScores(dir)
    expect(report.warnings).toEqual([])
    expect(report.scores.models.m).toMatchObject({ average: 50, valid: true })
  })

  test('a last line that is cut off counts as absent, and a broken one too', async () => {
    const cut = JSON.stringify(judgment('q3', 1)).slice(0, -20)
    const dir = tree({
      'math/aime': {
        questions: [one, two, three],
        judgments: `${JSON.stringify(judgment('q1', 1))}\n{"question_id": "q2", oops}\n[1]\n{"model":"m"}\n${cut}`,
        answers: { m: '{"question_id": "q1", "choices": [{"turns": ["ab' },
      },
    })
    const { scores, warnings } = await readScores(dir)
    const folder = path.join(dir, 'data/live_bench/math/aime')
    const file = path.join(folder, 'model_judgment/ground_truth_judgment.jsonl')
    expect(warnings).toEqual([
      `${folder}/model_answer/m.jsonl:1: the last line is cut off; it counts as absent`,
      `${file}:2: not a line of LiveBench’s; it counts as absent`,
      `${file}:3: not a line of LiveBench’s; it counts as absent`,
      `${file}:4: not a line of LiveBench’s; it counts as absent`,
      `${file}:5: the last line is cut off; it counts as absent`,
    ])
    expect(scores.models.m?.questions).toMatchObject({ scored: 1, missing: 2 })
  })

  test('a file that is broken throughout is told in a few lines', async () => {
    const dir = tree({ 'math/aime': { questions: [one], judgments: 'x\n'.repeat(1000) } })
    const { warnings } = await readScores(dir)
    expect(warnings.filter(warning => warning.includes('not a line')).length).toBe(5)
    expect(warnings.at(-1)).toMatch(/ground_truth_judgment.jsonl: 995 more such lines$/)
  })

  test('NaN elsewhere in a line does no harm', async () => {
    const dir = tree({
      'math/aime': {
        questions: [one],
        judgments: [
          '{"question_id":"q1","model":"m","score":1,"tstamp":NaN,"task":"NaN \\"","category":"math"}',
        ],
        answers: { m: ['{"question_id":"q1","choices":[{"turns":["NaN"]}],"tokens_per_second":-Infinity}'] },
      },
    })
    expect(await scoresOf(dir)).toMatchObject({ valid: true, tasks: { 'NaN "': 100 } })
  })

  test('a line may be longer than any buffer', async () => {
    const long = 'é"\\'.repeat(400_000)
    const dir = tree({
      'math/aime': {
        questions: [question('q1', { private_test_cases: long }), two],
        judgments: [judgment('q1', 1, { note: long }), judgment('q2', 0)],
        answers: { m: [answer('q1', long), answer('q2', `${long}$ERROR$`)] },
      },
    })
    expect(await scoresOf(dir)).toMatchObject({ valid: true, average: 50 })
  })

  test('ids may be numbers, unicode or escaped', async () => {
    const ids = [7, 'ключ', 'a"b', 'tab\t', '', 'plain']
    const lines = ids.map(id => judgment(String(id), 1, { question_id: id }))
    const dir = tree({
      'math/aime': {
        questions: ids.map(id => question(String(id), { question_id: id })),
        judgments: [...lines, JSON.stringify(judgment('plain', 1)).replace('plain', '\\u0070lain')],
      },
    })
    const { scores, warnings } = await readScores(dir)
    expect(scores.models.m?.questions).toMatchObject({ expected: 5, scored: 5 })
    expect(warnings.length).toBe(2) // the question and the judgment without an id
  })

  test('an unreadable question leaves nobody sure', async () => {
    const dir = tree({ 'math/aime': { questions: [one, '{"question_id":'], judgments: [judgment('q1', 1)] } })
    expect(await scoresOf(dir)).toMatchObject({
      average: 100,
      valid: false,
      reasons: ['completeness cannot be checked: live_bench/math/aime/question.jsonl has 1 unreadable line'],
    })
  })

  test('without a question file, all that any model knows of is expected, and nobody is valid', async () => {
    const dir = tree({
      'math/aime': {
        judgments: [judgment('q1', 1), judgment('q2', 1, { model: 'other' })],
        answers: { m: [answer('q3', 'x')] },
      },
    })
    expect(await scoresOf(dir)).toMatchObject({
      average: 100,
      valid: false,
      questions: { expected: 3, scored: 1, missing: 2 },
      reasons: [
        'completeness cannot be checked: there is no live_bench/math/aime/question.jsonl',
        '2 missing questions (no judgment): aime: q2, q3',
      ],
    })
  })

  test('judgments of questions that are not asked are ignored; a question twice counts once', async () => {
    const dir = tree({
      'math/aime': { questions: [one, one], judgments: [judgment('q1', 1), judgment('old', 0)] },
    })
    const { scores, warnings } = await readScores(dir)
    expect(scores.models.m).toMatchObject({ average: 100, valid: true, questions: { expected: 1 } })
    expect(warnings[0]).toMatch(/question.jsonl:2: a question of the same id comes before/)
  })
})
