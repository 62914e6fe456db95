import { markdownTable } from 'markdown-table'
import { z } from 'zod'

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
  readonly prefixItems?: readonly Field[]
  readonly anyOf?: readonly Field[]
}

function typeName(field: Field): string {
  if (field.anyOf) return field.anyOf.map(typeName).join(' or ')
  if (field.const !== undefined) return 'constant'
  if (field.enum) return field.enum.map(value => `\`${value}\``).join(', ')
  if (field.prefixItems) return field.prefixItems.map(plainType).join(' and ')
  if (field.type === 'array') return `list of ${field.items ? plainType(field.items) : 'anything'}s`
  if (field.type === 'object' && !field.properties)
    return `map of ${isField(field.additionalProperties) ? plainType(field.additionalProperties) : 'anything'}s`
  return plainType(field)
}

const plainType = ({ type = 'anything' }: Field) => [type].flat().join(' or ')
const isField = (value: Field | boolean | undefined): value is Field => typeof value === 'object'

type Row = readonly string[]

/** One row a field of a document, depth first: path, type, meaning. */
export function fieldRows(schema: z.ZodType): readonly Row[] {
  return rowsOf(z.toJSONSchema(schema, { io: 'input' }) as Field)
}

/** As documents show them, in Markdown. */
export function fieldTable(rows: readonly Row[]): string {
  return markdownTable([['field', 'type', 'meaning'], ...rows], { alignDelimiters: false })
}

function rowsOf(field: Field, prefix = ''): readonly Row[] {
  const inner = field.anyOf?.find(option => option.properties) ?? field
  const rows = Object.entries(inner.properties ?? {}).flatMap(([name, child]) => {
    const isOptional = !inner.required?.includes(name)
    const place = prefix + name
    const row = [
      `\`${place}\`${isOptional ? '?' : ''}`,
      typeName(child),
      (child.description ?? '').replaceAll('|', '\\|'),
    ]
    return [row, ...rowsOf(child, `${place}.`)]
  })
  const items = inner.items ? rowsOf(inner.items, `${prefix.slice(0, -1)}[].`) : []
  const values = isField(inner.additionalProperties)
    ? rowsOf(inner.additionalProperties, `${prefix}<key>.`)
    : []
  return [...rows, ...items, ...values]
}
