import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gradeAnswer } from '../../../src/livebench/grade/grade.ts'
import { findGrader, unverifiedTasks } from '../../../src/livebench/grade/registry.ts'
import { stripThinking } from '../../../src/livebench/grade/text.ts'
import type { Question } from '../../../src/livebench/types.ts'
import { answer, question, signal } from './support.ts'

const context = { sandbox: null, signal }

const spatial = question({ ground_truth: '4' })
const triangle = question({ ground_truth: 'triangle' })
const lies = question({ task: 'web_of_lies_v3', ground_truth: 'yes, no, yes' })
const typos = question({ category: 'language', task: 'typos', ground_truth: 'The cat sat.' })
const cta = question({ category: 'data_analysis', task: 'cta', ground_truth: 'Postal code' })
const events = question({
  category: 'data_analysis',
  task: 'consecutive_events',
  ground_truth:
    '[{"user_id": 1, "max_consecutive_growth_months": 3}, {"user_id": 2, "max_consecutive_growth_months": 2}]',
})
const aime = question({ category: 'math', task: 'math_comp', subtask: 'aime', ground_truth: '042' })
const amc = question({
  category: 'math',
  task: 'math_comp',
  subtask: 'amc_12a',
  ground_truth: 'B',
  turns: ['Which? $\\textbf{(A) }10\\qquad\\textbf{(B) }~14\\qquad\\textbf{(C) }20$'],
})
const amps = question({ category: 'math', task: 'AMPS_Hard', subtask: 'amps_hard_x', ground_truth: '3x^2' })
const words = question({
  category: 'instruction_following',
  task: 'summarize',
  instruction_id_list: ['count:word_count_range', 'punctuation:no_comma'],
  kwargs: [{ min_words: 2, max_words: 3 }, {}],
})

type Case = readonly [name: string, question: Question, text: string, score: number]

const cases: readonly Case[] = [
  ['the bold number', spatial, 'So there are **4** of them', 1],
  ['the number as a word', spatial, '**Four**', 1],
  ['the third bold text from the end', spatial, '**4** **a** **b**', 1],
  ['the fourth bold text from the end', spatial, '**4** **a** **b** **c**', 0],
  ['the boxed number', spatial, '\\boxed{\\textbf{4}}', 1],
  ['the bare number', spatial, '4', 1],
  ['a number in a sentence', spatial, 'It is 4.', 0],
  ['a shape with a word more', triangle, '**equilateral triangle**', 1],
  ['many shapes', triangle, '**circle square triangle tetrahedron**', 0],
  ['all words', lies, '<solution>yes, no, yes</solution>', 1],
  ['two words of three', lies, '<solution>yes, no, no</solution>', 1 / 3],
  ['the last solution', lies, '<solution>no, no, no</solution> or <solution>yes, no, yes</solution>', 1],
  ['boxed words', lies, '\\boxed{\\text{yes, no, yes}}', 1],
  ['words in bold LaTeX', lies, '\\textbf{yes, no, yes}', 1],
  ['the last triple in plain text', lies, 'No, no, no. I mean: Yes, no, yes.', 1],
  ['no words', lies, 'I do not know', 0],
  ['too few words', lies, '<solution>yes</solution>', 1 / 6],
  ['the corrected text in the solution', typos, 'Hm. <solution>The cat sat.</solution>', 1],
  ['another solution after it', typos, '<solution>The cat sat.</solution><solution>no</solution>', 0],
  ['the corrected text over two lines', typos, 'The cat\nsat.', 1],
  ['the corrected text between dashes', typos, 'The cat sat. --- nothing --- The cat sat.', 0],
  ['an open solution', typos, '<solution>The cat sat.', 1],
  ['the class with other punctuation', cta, 'postal-code.', 1],
  ['the class at the end', cta, 'The class is: Postal Code', 1],
  ['the class at the start', cta, 'Postal code it is', 0],
  ['the boxed class', cta, '\\boxed{\\text{Postal code}} fits', 1],
  [
    'one event of two',
    events,
    '<solution>[{"user_id": 1, "max_consecutive_growth_months": 3}]</solution>',
    0.5,
  ],
  [
    'a wrong event counts twice',
    events,
    '<SOLUTION>\n[{"user_id": 1, "max_consecutive_growth_months": 3}, {"user_id": 2, "max_consecutive_growth_months": 9}]\n</SOLUTION>',
    0.3333,
  ],
  ['events without a solution', events, '[{"user_id": 1, "max_consecutive_growth_months": 3}]', 0],
  ['no list', events, '<solution>{"user_id": 1}</solution>', 0],
  ['an empty list', events, '<solution>[]</solution>', 0],
  ['the number near the end', aime, 'the answer is 042.', 1],
  ['the number long before the end', aime, `042 ${'x'.repeat(50)}`, 0],
  ['the letter five times', amc, 'BBBBB', 1],
  ['the letter three times', amc, 'BBB is it, since', 0],
  ['the letter in the solution', amc, '<solution>b</solution> because of the sum', 1],
  ['the boxed letter', amc, '\\boxed{\\text{B}} because of the sum', 1],
  ['the value at the end', amc, 'so we have 14', 1],
  [
    'the letter in brackets on the last line',
    amc,
    'Let me see.\nIt must be (B), since the others are not',
    1,
  ],
  ['another letter', amc, 'AAAAA', 0],
  ['the boxed derivative', amps, 'We get $\\boxed{3x^{2} + C}$', 1],
  ['another spelling', amps, '\\boxed{f(x) = 3 \\cdot x \\cdot x}', 1],
  ['the last formula', amps, 'We get $x$ and then $$3 x^2$$', 1],
  ['plain text that ends with it', amps, 'It is 3x^2.', 1],
  ['another derivative', amps, '\\boxed{2x^2}', 0],
  ['a box that is not closed, by its end', amps, '\\boxed{3x^2', 1],
  ['both instructions', words, 'one two', 1],
  ['one instruction of two', words, 'one, two', 0.25],
  ['no instruction', words, 'one, two, three, four', 0],
  ['the thinking does not count', spatial, '<think>**7** **8**\n**9**</think>**4**', 1],
]

test.each(cases)('%s', async (_name, asked, text, score) => {
  expect(await gradeAnswer(asked, answer(text), context)).toEqual({ score })
})

describe('an answer that is an error', () => {
  test.each([
    ['$ERROR$', {}],
    ['', {}],
    [' \n', {}],
    ['one two', { error: 'timeout' }],
  ])('%j %j', async (text, fields) => {
    expect(await gradeAnswer(words, answer(text, fields), context)).toEqual({ score: 0 })
  })

  test('no choices', async () => {
    expect(await gradeAnswer(words, answer('x', { choices: [] }), context)).toEqual({ score: 0 })
  })
})

describe('a grader that fails says so', () => {
  test.each([
    [question({ task: 'zebra_puzzle' }), 'no grader for reasoning/zebra_puzzle'],
    [question({ category: 'math', task: 'math_comp', subtask: 'imo' }), 'no grader for math/imo'],
    [question({ task: 'constructor' }), 'no grader for reasoning/constructor'],
    [
      question({ category: 'instruction_following', instruction_id_list: ['x:y'] }),
      'GraderError: no grader for the instruction x:y',
    ],
    [question({ ...words, kwargs: [] }), 'GraderError: kwargs has no number min_words'],
    [question({}), 'GraderError: the question has no ground_truth'],
    [
      question({ ...amc, ground_truth: '14' }),
      'GraderError: the ground_truth "14" is not a letter from A to E',
    ],
    [question({ category: 'coding', task: 'LCB_generation' }), 'GraderError: the question has no test cases'],
    [
      question({ category: 'coding', task: 'LCB_generation', public_test_cases: '{' }),
      'GraderError: the test cases cannot be read',
    ],
    [
      question({ category: 'coding', task: 'code_generation' }),
      'GraderError: the question has no tests or entry_point',
    ],
    [
      question({ category: 'coding', task: 'code_generation', tests: 'x', entry_point: 'f' }),
      'GraderError: python3 was not found',
    ],
  ])('%#', async (asked, error) => {
    expect(await gradeAnswer(asked, answer('x'), context)).toEqual({ score: 0, error })
  })
})

test('graders that nothing could be compared with are named', () => {
  const asked = [spatial, amc, amps, words, question({ task: 'zebra_puzzle' })]
  expect(unverifiedTasks(asked)).toEqual(['AMPS_Hard', 'math_comp (amc)', 'summarize'])
  expect(findGrader(question({ ...words, instruction_id_list: ['count:word_count_range'] }))?.verified).toBe(
    true,
  )
})

test('thinking is cut out', () => {
  expect(stripThinking('a<think>b</think>c<think>d')).toBe('ac<think>d')
  expect(stripThinking('<think>'.repeat(100_000))).toHaveLength(700_000)
})

describe('no text makes a grader fail', () => {
  const pieces = fc.constantFrom(
    ...[
      '<solution>',
      '</solution>',
      '<think>',
      '</think>',
      '\\boxed{',
      '\\boxed ',
      '\\fbox',
      '{',
      '}',
      '$',
      '**',
      '```',
      '\n',
    ],
    ...[
      '\\frac',
      '\\sqrt[',
      '^',
      '_',
      '(',
      ')',
      '|',
      '-',
      '+C',
      '=',
      ',',
      ' --- ',
      '[',
      ']',
      '"user_id"',
      ':',
      'yes',
      'İ',
      '\\sin',
    ],
  )
  const text = fc.array(fc.oneof(pieces, fc.string({ unit: 'grapheme' }), fc.double().map(String)), {
    maxLength: 40,
  })
  test.each([
    ['spatial', spatial],
    ['web of lies', lies],
    ['typos', typos],
    ['cta', cta],
    ['events', events],
    ['aime', aime],
    ['amc', amc],
    ['amps', amps],
    ['words', words],
  ])('%s', async (_name, asked) => {
    await fc.assert(
      fc.asyncProperty(text, async parts => {
        const { score, error } = await gradeAnswer(asked, answer(parts.join('')), context)
        expect(error).toBeUndefined()
        expect(score).toBeGreaterThanOrEqual(0)
        expect(score).toBeLessThanOrEqual(1)
      }),
    )
  })
})
