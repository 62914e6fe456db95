import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { unverifiedTasks } from '../../../src/livebench/grade/registry.ts'
import { loadQuestions } from '../../../src/livebench/questions.ts'
import { isLive, RELEASES } from '../../../src/livebench/release.ts'
import type { Question } from '../../../src/livebench/types.ts'
import { fixture, rows, scoreOf } from './support.ts'

interface Gold {
  readonly question_id: string
  readonly category: string
  readonly task: string
  readonly gold: string
  readonly wrong: string
}

const golds = await rows<Gold>(fixture('smoke-gold.jsonl'))
const tasks = [...new Set(golds.map(({ category, task }) => `${category}/${task}`))]
const files = await Promise.all(
  tasks.map(task => rows<Question>(`${packageRoot()}/questions/smoke/live_bench/${task}/question.jsonl`)),
)
const all = files.flat()

test('there are enough questions of every category and task', async () => {
  const live = await loadQuestions('smoke', { benchmarks: ['live_bench'] })
  expect(live.length).toBeGreaterThanOrEqual(44)
  const run1 = await loadQuestions(fixture('livebench/run1'), { benchmarks: ['live_bench'] })
  const kinds = (questions: readonly Question[]) =>
    new Set(
      questions.map(({ category, task, subtask }) =>
        [category, task, task === 'math_comp' ? subtask : ''].join(),
      ),
    )
  expect([...kinds(run1)].filter(kind => !kinds(live).has(kind))).toEqual([])
  for (const [task, group] of Map.groupBy(live, question => question.task)) {
    expect(group.length, task).toBeGreaterThanOrEqual(3)
  }
})

test('ids are unique, and every field of the schema is there', () => {
  expect(new Set(all.map(question => question.question_id)).size).toBe(all.length)
  expect(all.map(question => question.question_id).sort()).toEqual(golds.map(gold => gold.question_id).sort())
  for (const question of all) {
    expect(question.question_id).toMatch(/^[0-9a-f]{64}$/)
    expect(RELEASES).toContain(question.livebench_release_date)
    expect(['', ...RELEASES]).toContain(question.livebench_removal_date)
    expect(question).toHaveProperty('citation', 'lmrun smoke')
    for (const field of fieldsOf(question)) expect(question, question.question_id).toHaveProperty(field)
  }
})

function fieldsOf({ category, task }: Question): string[] {
  if (category === 'instruction_following') return ['instruction_id_list', 'kwargs']
  if (category === 'math') return ['ground_truth', 'subtask']
  if (category !== 'coding') return ['ground_truth']
  if (task === 'code_generation')
    return ['question_title', 'tests', 'entry_point', 'code_prompt', 'expected_time']
  const fields = [
    'question_title',
    'public_test_cases',
    'private_test_cases',
    'original_json.metadata',
    'release_date',
  ]
  return task === 'coding_completion' ? [...fields, 'partial_solution'] : fields
}

test('a release asks some of them, and what was removed is out', () => {
  const counts = RELEASES.map(release => all.filter(question => isLive(question, release)).length)
  expect(counts[0]).toBe(1)
  expect(new Set(counts).size).toBeGreaterThan(2)
  expect(all.filter(question => isLive(question, undefined))).toHaveLength(all.length - 1)
})

test('what cannot be compared with LiveBench is said', () => {
  expect(unverifiedTasks(all)).toEqual(['AMPS_Hard', 'math_comp (amc)'])
})

describe.each(tasks)('%s', task => {
  const ofTask = golds.filter(gold => `${gold.category}/${gold.task}` === task)
  test.each(ofTask)('$question_id', async ({ question_id: id, gold, wrong }) => {
    const question = all.find(one => one.question_id === id)
    if (!question) throw new Error('no such question')
    expect(await scoreOf(question, gold)).toBe(1)
    expect(await scoreOf(question, wrong)).toBe(0)
    expect(await scoreOf(question, '')).toBe(0)
    expect(await scoreOf(question, '$ERROR$')).toBe(0)
  })
})
