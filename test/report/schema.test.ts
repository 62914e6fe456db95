import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { packageRoot } from '../../src/env.ts'
import type { ModelScores } from '../../src/livebench/types.ts'
import type { ModelResult } from '../../src/report/results.ts'
import { resultsSchema } from '../../src/report/schema.ts'
import { createResults } from '../support/results.ts'
import { fieldRows, fieldTable } from '../support/schema-fields.ts'
import { CASES } from './cases.ts'

test('docs/results.md describes every field', async () => {
  const file = path.join(packageRoot(), 'docs/results.md')
  const rows = fieldRows(resultsSchema)
  expect(rows.filter(([, , meaning]) => meaning === '')).toEqual([])
  const text = await readFile(file, 'utf8')
  const fresh = text.replace(
    /(<!-- fields -->\n)[\s\S]*(<!-- \/fields -->)/,
    (_, open, close) => `${open}\n${fieldTable(rows)}\n\n${close}`,
  )
  await expect(fresh).toMatchFileSnapshot(file)
})

test('the types are those of LiveBench’s scores', () => {
  expectTypeOf<NonNullable<ModelResult['scores']>>().toExtend<ModelScores>()
  expectTypeOf<ModelScores>().toExtend<NonNullable<ModelResult['scores']>>()
})

describe('the schema', () => {
  test.each(Object.entries(CASES))('keeps %s as it is', (_, create) => {
    const document = JSON.parse(JSON.stringify(create()))
    expect(resultsSchema.parse(document)).toEqual(document)
  })

  test('ignores what it does not know', () => {
    expect(resultsSchema.parse({ ...createResults(), later: 1 })).toEqual(createResults())
  })
})
