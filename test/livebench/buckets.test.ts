import { describe, expect, test } from 'vitest'
import { readScores } from '../../src/livebench/scores.ts'
import { answer, judgment, question, scoresOf, tree } from './tree.ts'

const [one, two, three] = [question('q1'), question('q2'), question('q3')]

describe('buckets', () => {
  const files = (judgments: object[], answers: object[] = []) =>
    tree({
      'math/aime': {
        questions: [one, two, three],
        judgments: judgments as never,
        answers: { m: answers as never },
      },
    })

  test('are disjoint: missing, then grader error, then error, then excluded', async () => {
    const failed = { eval_status: 'eval_error', error_msg: 'boom' }
    const dir = tree({
      'math/aime': {
        questions: ['q1', 'q2', 'q3', 'q4', 'q5'].map(id => question(id)),
        judgments: [
          judgment('q2', -1, failed),
          judgment('q3', -1),
          judgment('q4', -1),
          judgment('q5', 0.5),
        ] as never,
        answers: { m: ['q1', 'q2', 'q3'].map(id => answer(id, '$ERROR$')) },
      },
    })
    const { questions, average, reasons } = await scoresOf(dir)
    expect(questions).toEqual({ expected: 5, missing: 1, graderErrors: 1, errors: 1, excluded: 1, scored: 1 })
    expect(average).toBe(50)
    expect(reasons).toEqual([
      '1 missing question (no judgment): aime: q1',
      '1 grader error: aime (q2): boom',
      '1 answer error (0 allowed): aime (q3): the answer is $ERROR$',
    ])
  })

  test.each([
    ['the mark of an error', answer('q1', '$ERROR$'), 'the answer is $ERROR$'],
    [
      'an escaped mark',
      JSON.stringify(answer('q1', '$ERROR$')).replaceAll('$', '\\u0024'),
      'the answer is $ERROR$',
    ],
    ['an empty text', answer('q1', ''), 'the answer is empty'],
    ['blanks', answer('q1', ' \n\t'), 'the answer is empty'],
    ['other blanks', answer('q1', '\u3000\u00a0'), 'the answer is empty'],
    ['an empty second turn', answer('q1', '', { choices: [{ turns: ['a', ''] }] }), 'the answer is empty'],
    ['no turns', answer('q1', '', { choices: [{ turns: [] }] }), 'the answer is empty'],
    ['no choices', answer('q1', '', { choices: [] }), 'the answer is empty'],
    ['turns that are null', answer('q1', '', { choices: [{ turns: null }] }), 'the answer is empty'],
    ['turns that are a text', answer('q1', '', { choices: [{ turns: '$ERROR$' }] }), 'the answer is $ERROR$'],
    ['error_msg', answer('q1', 'x', { eval_status: 'api_error', error_msg: 'HTTP 500' }), 'HTTP 500'],
    ['error', answer('q1', 'x', { error: { code: 'timeout' } }), '{"code":"timeout"}'],
    ['eval_status', answer('q1', 'x', { eval_status: 'timeout' }), 'timeout'],
  ])('an answer is an error by %s', async (_, line, said) => {
    const dir = tree({
      'math/aime': { questions: [one], judgments: [judgment('q1', 0)], answers: { m: [line] } },
    })
    const { questions, average, valid, reasons } = await scoresOf(dir)
    expect(questions.errors).toBe(1)
    expect({ average, valid }).toEqual({ average: 0, valid: false })
    expect(reasons).toEqual([`1 answer error (0 allowed): aime (q1): ${said}`, 'no question was scored'])
  })

  test.each([
    ['plain', answer('q1', 'x')],
    ['about errors', answer('q1', 'the reply was $ERROR$, "error": 1')],
    ['without an error', answer('q1', 'x', { error: null, error_msg: '', eval_status: 'success' })],
    ['with no reasoning', answer('q1', '', { choices: [{ turns: ['4'], reasoning: '' }] })],
  ])('an answer is none when it is %s', async (_, line) => {
    const dir = tree({
      'math/aime': { questions: [one], judgments: [judgment('q1', 1)], answers: { m: [line] } },
    })
    expect(await scoresOf(dir)).toMatchObject({ valid: true, average: 100, questions: { scored: 1 } })
  })

  test.each([
    ['null', judgment('q1', null), null, 'the score is null, not a number from 0 to 1 (or -1)'],
    ['a text', judgment('q1', '1'), null, 'the score is "1", not a number from 0 to 1 (or -1)'],
    ['true', judgment('q1', true), 100, 'the score is true, not a number from 0 to 1 (or -1)'],
    ['too high', judgment('q1', 1.5), 150, 'the score is 1.5, not a number from 0 to 1 (or -1)'],
    ['too low', judgment('q1', -0.5), -50, 'the score is -0.5, not a number from 0 to 1 (or -1)'],
    [
      'NaN',
      '{"question_id":"q1","model":"m","score":NaN,"task":"aime","category":"math"}',
      null,
      'the score is null',
    ],
    [
      '-Infinity',
      '{"question_id":"q1","model":"m","score":-Infinity,"category":"math"}',
      null,
      'the score is null',
    ],
    ['absent', '{"question_id":"q1","model":"m"}', null, 'there is no score'],
    ['a status', judgment('q1', 0, { eval_status: 'timeout' }), 0, 'timeout'],
  ])('a grader failed when the score is %s', async (_, line, average, said) => {
    const scores = await scoresOf(tree({ 'math/aime': { questions: [one], judgments: [line] } }))
    expect(scores.questions).toMatchObject({ graderErrors: 1, scored: 0 })
    expect(scores.average).toBe(average)
    expect(scores.reasons[0]).toContain(`1 grader error: aime (q1): ${said}`)
  })

  test('a status that a judgment has from its answer is the answer’s', async () => {
    const failed = { eval_status: 'api_error', error_msg: 'HTTP 500' }
    const dir = files([judgment('q1', 0, failed) as object], [answer('q1', '$ERROR$', failed) as object])
    expect((await scoresOf(dir)).questions).toMatchObject({ errors: 1, graderErrors: 0, missing: 2 })
  })

  test('the last answer and the last judgment count', async () => {
    const dir = files(
      [
        judgment('q1', 0, { eval_status: 'eval_error' }) as object,
        judgment('q2', 1) as object,
        judgment('q3', 1) as object,
        judgment('q1', 1, { model: 'M' }) as object,
        judgment('q2', 0.25) as object,
      ],
      [
        answer('q1', '') as object,
        answer('q2', '$ERROR$') as object,
        answer('q1', 'x') as object,
        answer('q2', 'y') as object,
      ],
    )
    expect(await scoresOf(dir)).toMatchObject({ valid: true, average: 75, questions: { scored: 3 } })
  })

  test('as many errors as are allowed leave a score valid', async () => {
    const judged = ['q1', 'q2', 'q3'].map(id => judgment(id, 1) as object)
    const dir = files(judged, [answer('q1', '') as object, answer('q2', '') as object])
    expect(await scoresOf(dir, 'm', { allowedErrors: 2 })).toMatchObject({
      valid: true,
      questions: { errors: 2 },
    })
    expect((await scoresOf(dir, 'm', { allowedErrors: 1 })).reasons[0]).toContain(
      '2 answer errors (1 allowed)',
    )
  })

  test('a model that is excluded from everything has no score, not zero', async () => {
    const dir = files(['q1', 'q2', 'q3'].map(id => judgment(id, -1) as object))
    expect(await scoresOf(dir)).toMatchObject({
      average: null,
      valid: false,
      categories: {},
      reasons: ['no question was scored'],
    })
  })

  test('long lists are cut, the count is not', async () => {
    const ids = Array.from({ length: 50 }, (_, i) => `q${i}`)
    const dir = tree({ 'math/aime': { questions: ids.map(id => question(id)), answers: { m: [] } } })
    const { reasons, questions } = await scoresOf(dir)
    expect(questions.missing).toBe(50)
    expect(reasons[0]).toMatch(/^50 missing questions \(no judgment\): aime: q0, q1, .*, q19; and 30 more$/)
  })

  test('a message is one printable line', async () => {
    const message = `\u001b[31mTraceback\n  File "x"\u0007${'y'.repeat(500)}`
    const dir = tree({
      'math/aime': {
        questions: [one],
        judgments: [judgment('q1', 0, { eval_status: 'eval_error', error_msg: message })],
      },
    })
    const [reason = ''] = (await scoresOf(dir)).reasons
    expect(reason).toContain('[31mTraceback File "x" yyy')
    expect(reason).toMatch(/y…$/)
    expect(reason).not.toMatch(/\p{Cc}/u)
    expect(reason.length).toBeLessThan(300)
  })
})

describe('models', () => {
  test('are matched in any case and shown as in the judgments', async () => {
    const dir = tree({
      'math/aime': {
        questions: [one],
        judgments: [judgment('q1', 1, { model: 'Qwen-Coder' })],
        answers: { 'QWEN-coder': [answer('q1', 'x')], Other: [] },
      },
    })
    const { scores } = await readScores(dir)
    expect(Object.keys(scores.models)).toEqual(['Other', 'Qwen-Coder'])
    expect(scores.models.Other).toMatchObject({ average: null, valid: false, questions: { missing: 1 } })
    expect((await readScores(dir, { models: ['qwen-CODER'] })).scores.models).toEqual({
      'Qwen-Coder': scores.models['Qwen-Coder'],
    })
  })

  test('may have names that every object has, or any', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'a b', 'モデル', 'q"uote', 'x'.repeat(300)]
    const judgments = names.map(model => judgment('q1', 1, { model }))
    const { scores } = await readScores(tree({ 'math/aime': { questions: [one], judgments } }))
    const again = JSON.parse(JSON.stringify(scores)) as { models: object }
    expect(Object.keys(again.models).sort()).toEqual([...names].sort())
    expect(Object.values(again.models).every(model => model.average === 100)).toBe(true)
  })

  test('tasks and categories may too', async () => {
    const fields = { task: '__proto__', category: 'constructor' }
    const dir = tree({
      'c/t': { questions: [question('q1', fields)], judgments: [judgment('q1', 1, fields)] },
    })
    expect(JSON.stringify(await scoresOf(dir))).toContain(
      '"categories":{"constructor":100},"tasks":{"__proto__":100}',
    )
  })

  test('that were asked for and are not there are listed, and a warning says so', async () => {
    const dir = tree({ 'math/aime': { questions: [one], judgments: [judgment('q1', 1)] } })
    const { scores, warnings } = await readScores(dir, { models: ['m', 'Nobody'] })
    expect(scores.models.Nobody).toMatchObject({ average: null, valid: false, questions: { missing: 1 } })
    expect(warnings).toEqual([`${dir} has no answer and no judgment of Nobody`])
  })

  test('none at all is an empty document and a warning', async () => {
    const { scores, warnings } = await readScores(tree({ 'math/aime': { questions: [one] } }))
    expect(scores.models).toEqual({})
    expect(warnings[0]).toContain('no answer and no judgment of any model')
  })
})
