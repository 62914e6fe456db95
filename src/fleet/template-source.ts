import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from 'yaml'
import type { Problem } from '../errors.ts'

/** What a YAML value is, in the words of an error message. */
export type Kind = 'map' | 'list' | 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'date' | 'binary'

/** One `key: value` of a map. */
export interface Entry {
  readonly key: string
  /** Dotted from the top: `resources.autostop.down`. */
  readonly path: string
  /** `file:line:col` of the key. */
  readonly where: string
  readonly value: Value
}

/** A value with its place. */
export interface Value {
  readonly kind: Kind
  readonly where: string
  readonly node: Node | null
}

/** More than any template needs, few enough that no expansion of them is large. */
const MAX_ALIASES = 100

/**
 * A YAML document that is read key by key, so that every refusal names its line and column.
 * YAML 1.1, as PyYAML (SkyPilot's parser) reads it: `yes` is a boolean in both or in neither.
 */
export class TemplateSource {
  /** The file as messages name it. */
  readonly file: string
  readonly problems: Problem[] = []
  /** Every key that was read, by dotted path, with its `file:line:col`. */
  readonly places = new Map<string, string>()
  readonly #lines = new LineCounter()
  readonly #document: Document.Parsed

  constructor(text: string, file: string) {
    this.file = file
    this.#document = parseDocument(text, {
      version: '1.1',
      lineCounter: this.#lines,
      prettyErrors: false,
      logLevel: 'error',
    })
    const { errors, warnings } = this.#document
    for (const { message, pos } of [...errors, ...warnings]) {
      const pipeline = message.includes('multiple documents')
      const what = pipeline ? 'several YAML documents in one file' : `not valid YAML: ${message}`
      this.refuse(this.#at(pos[0]), what, pipeline ? 'Write one task a file' : 'Correct the syntax here')
    }
    const aliases = text.match(/(?<=[\s[{,])\*[^\s,[\]{}]+/g)?.length ?? 0
    if (aliases > MAX_ALIASES) {
      this.refuse(file, `about ${aliases} aliases`, `At most ${MAX_ALIASES} are followed: write values out`)
    }
  }

  get root(): Value {
    return this.value(this.#document.contents)
  }

  refuse(where: string, what: string, allowed: string): void {
    this.problems.push({ where, what, allowed })
  }

  value(node: unknown, fallback = this.file): Value {
    const at = placed(node) ? this.#at(node.range[0]) : fallback
    const target = isAlias(node) ? node.resolve(this.#document) : node
    if (isAlias(node) && !target)
      this.refuse(at, `"*${node.source}" names no anchor`, 'Define &name before it')
    return { kind: kindOf(target), where: at, node: isNode(target) ? target : null }
  }

  /** The entries of a map; a key that is no plain word is refused and left out. */
  entries({ node }: Value, path = ''): Entry[] {
    if (!isMap(node)) return []
    return node.items.flatMap(({ key, value }) => {
      const where = placed(key) ? this.#at(key.range[0]) : this.file
      const name = isScalar(key) ? keyText(key.value, key.source) : null
      if (name === null) {
        this.refuse(
          where,
          'a key that is not a word',
          'Write keys as plain names; merges (<<) are not followed',
        )
        return []
      }
      const full = path ? `${path}.${name}` : name
      this.places.set(full, where)
      return [{ key: name, path: full, where, value: this.value(value, where) }]
    })
  }

  items({ node }: Value): Value[] {
    return isSeq(node) ? node.items.map(item => this.value(item)) : []
  }

  #at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset)
    return `${this.file}:${line}:${col}`
  }
}

/** The JavaScript value of a scalar, and its text in the file. */
export function scalar({ node }: Value): { readonly value: unknown; readonly source: string } {
  return isScalar(node) ? { value: read(node), source: node.source ?? '' } : { value: null, source: '' }
}

/** "an integer", "a list". */
export function article(kind: Kind): string {
  return `${kind === 'integer' ? 'an' : 'a'} ${kind}`
}

/** The library takes a lone "." for a number, PyYAML does not. */
function read({ value, source }: Scalar): unknown {
  return Number.isNaN(value) && source === '.' ? source : value
}

function keyText(value: unknown, source: string | undefined): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? (source ?? String(value)) : null
}

function placed(node: unknown): node is { readonly range: readonly [number, ...number[]] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
}

function isNode(node: unknown): node is Node {
  return isMap(node) || isSeq(node) || isScalar(node)
}

function kindOf(node: unknown): Kind {
  if (isMap(node)) return 'map'
  if (isSeq(node)) return 'list'
  const value = isScalar(node) ? read(node) : null
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'bigint') return 'integer'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  if (value instanceof Date) return 'date'
  return value === null || value === undefined ? 'null' : 'binary'
}
