import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { markdownTable } from 'markdown-table'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { packageRoot } from '../../src/env.ts'
import type { ModelScores } from '../../src/livebench/types.ts'
import type { ModelResult } from '../../src/report/results.ts'
import { resultsSchema } from '../../src/report/schema.ts'
import { createResults } from '../support/results.ts'
import { CASES } from './cases.ts'

/** What z.toJSONSchema gives of a field, as far as the table needs it. */
interface Field {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Field>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Field | boolean
  readonly items?: Field
  readonly anyOf?: readonly Field[]
}

function typeName(field: Field): string {
  if (field.anyOf) return field.anyOf.map(typeName).join(' or ')
  if (field.const !== undefined) return 'constant'
  if (field.enum) return field.enum.map(value => `\`${value}\``).join(', ')
  if (field.type === 'array') return `list of ${field.items ? plainType(field.items) : 'anything'}s`
  if (field.type === 'object' && !field.properties)
    return `map of ${isField(field.additionalProperties) ? plainType(field.additionalProperties) : 'anything'}s`
  return plainType(field)
}

const plainType = ({ type = 'anything' }: Field) => [type].flat().join(' or ')
const isField = (value: Field | boolean | undefined): value is Field => typeof value === 'object'

/** One row a field, depth first: path, type, meaning. */
function fieldRows(field: Field, prefix = ''): readonly (readonly string[])[] {
  const inner = field.anyOf?.find(option => option.properties) ?? field
  const rows = Object.entries(inner.properties ?? {}).flatMap(([name, child]) => {
    const isOptional = !inner.required?.includes(name)
    const place = prefix + name
    const row = [
      `\`${place}\`${isOptional ? '?' : ''}`,
      typeName(child),
      (child.description ?? '').replaceAll('|', '\\|'),
    ]
    return [row, ...fieldRows(child, `${place}.`)]
  })
  const items = inner.items ? fieldRows(inner.items, `${prefix.slice(0, -1)}[].`) : []
  const values = isField(inner.additionalProperties)
    ? fieldRows(inner.additionalProperties, `${prefix}<key>.`)
    : []
  return [...rows, ...items, ...values]
}

test('docs/results.md describes every field', async () => {
  const file = path.join(packageRoot(), 'docs/results.md')
  const rows = fieldRows(z.toJSONSchema(resultsSchema, { io: 'input' }) as Field)
  expect(rows.filter(([, , meaning]) => meaning === '')).toEqual([])
  const table = markdownTable([['field', 'type', 'meaning'], ...rows], { alignDelimiters: false })
  const text = await readFile(file, 'utf8')
  const fresh = text.replace(
    /(<!-- fields -->\n)[\s\S]*(<!-- \/fields -->)/,
    (_, open, close) => `${open}\n${table}\n\n${close}`,
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
