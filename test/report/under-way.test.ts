import { expect, test } from 'vitest'
import { type PhaseState, renderUnderWay } from '../../src/report/under-way.ts'
import { createResults } from '../support/results.ts'

const done = (ms: number, ok = true) => ({ ok, ms })
const state = (name: PhaseState['name'], more: Partial<PhaseState> = {}): PhaseState => ({
  subject: 'qwen-coder',
  name,
  ended: null,
  text: '',
  ...more,
})

test('shows each model in its phases', async () => {
  const draft = createResults({})
  const states = [
    state('launch', { ended: done(300) }),
    state('load', { ended: done(7000) }),
    state('answer', { text: 'answered 12 of 51 (3.1/s, about 12 s left)' }),
    state('launch', { subject: 'sky-t1', ended: done(100, false) }),
    state('launch', { subject: 'client' }),
  ]
  await expect(renderUnderWay(draft, states)).toMatchFileSnapshot('golden/under-way.md')
})

test('nothing of a job takes effect but how many of how many', () => {
  const text = renderUnderWay(createResults({}), [state('answer', { text: '@team <b>3 of 4</b> | x' })])
  expect(text).toContain('3 of 4 …')
  expect(text).not.toMatch(/@team|<b>/)
})
