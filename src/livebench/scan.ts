import type { Span } from './id-table.ts'
import { Byte, beginsPlainly, endOfString, isAt, skipPrimitive, skipSpace, UNSURE } from './json-bytes.ts'
import type { Line } from './lines.ts'
import type { TextCache } from './text-cache.ts'

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?$/

/** In `[{"turns": ["…"]}]` the texts are so deep. */
const TURNS_DEPTH = 3

/** Where the value of a key lies in the bytes of the line; `start` is −1 when the line does not have the key. */
interface Field {
  readonly key: Buffer
  start: number
  end: number
  /** Of a nested value: see `isPlainlyText`. */
  plain: boolean
}

/**
 * Finds a few fields of the object on a line without decoding the rest: most of what LiveBench writes is the text
 * of answers, and scores need none of it. It reads what is plain, and says so when it is not sure (escapes, other
 * than ASCII, Python's NaN, a key twice, what is not JSON): such a line is parsed in full instead.
 */
export class LineScanner<Key extends string> {
  readonly #fields: readonly Field[]
  readonly #byKey: ReadonlyMap<Key, Field>
  readonly #texts: TextCache
  #bytes: Buffer = Buffer.alloc(0)
  #plain = false

  /** @param texts may be shared with other scanners: they find the same ids */
  constructor(keys: readonly Key[], texts: TextCache) {
    this.#texts = texts
    this.#byKey = new Map(keys.map(key => [key, { key: Buffer.from(key), start: -1, end: -1, plain: false }]))
    this.#fields = [...this.#byKey.values()]
  }

  /** Reads a line; false when it needs a full parse. */
  scan({ bytes, start, end }: Line): boolean {
    this.#bytes = bytes
    for (const field of this.#fields) field.start = -1
    const first = skipSpace(bytes, start, end)
    if (first === end || bytes[first] !== Byte.OPEN_OBJECT) return false
    const after = this.#scanMembers(first + 1, end)
    return after !== UNSURE && skipSpace(bytes, after, end) === end
  }

  has(key: Key): boolean {
    return this.#field(key).start >= 0
  }

  /** The text of a field; undefined when it is absent, empty or not plain. */
  text(key: Key): string | undefined {
    const { start, end } = this.#field(key)
    if (start < 0 || this.#bytes[start] !== Byte.QUOTE) return undefined
    return this.#texts.get(this.#bytes, start + 1, end - 1)
  }

  /** The bytes of a text; undefined when it is absent, empty, no text, or has escapes. Valid until the next scan. */
  span(key: Key): Span | undefined {
    const { start, end } = this.#field(key)
    if (start < 0 || this.#bytes[start] !== Byte.QUOTE || end - start === 2) return undefined
    for (let i = start; i < end; i++) if (this.#bytes[i] === Byte.BACKSLASH) return undefined
    return { bytes: this.#bytes, start: start + 1, end: end - 1 }
  }

  /** Whether a field is the empty text. */
  isEmptyText(key: Key): boolean {
    const { start, end } = this.#field(key)
    return start >= 0 && end - start === 2 && this.#bytes[start] === Byte.QUOTE
  }

  /** The number of a field; NaN when it is absent or something else. */
  number(key: Key): number {
    const { start, end } = this.#field(key)
    const text = start < 0 ? undefined : this.#texts.get(this.#bytes, start, end)
    return text !== undefined && jsonNumber.test(text) ? Number(text) : Number.NaN
  }

  /**
   * Whether a field looks like an answer's choices, `[{"turns": ["…"]}]`, and each text in it is plainly an answer: not
   * blank, and not the mark of an error. What begins with an escape or is not ASCII may be either.
   */
  isPlainlyText(key: Key): boolean {
    const { start, plain } = this.#field(key)
    return start >= 0 && this.#bytes[start] === Byte.OPEN_ARRAY && plain
  }

  #field(key: Key): Field {
    const field = this.#byKey.get(key)
    if (!field) throw new TypeError(`the scanner does not look for ${key}`)
    return field
  }

  /** From behind the object's opening brace to behind its closing one. */
  #scanMembers(start: number, end: number): number {
    const bytes = this.#bytes
    for (let i = skipSpace(bytes, start, end); i < end; i = skipSpace(bytes, i + 1, end)) {
      if (bytes[i] !== Byte.QUOTE) return UNSURE
      const keyEnd = endOfString(bytes, i + 1, end)
      if (keyEnd === UNSURE) return UNSURE
      const field = this.#fieldAt(i + 1, keyEnd)
      const colon = skipSpace(bytes, keyEnd + 1, end)
      if (field === UNSURE || bytes[colon] !== Byte.COLON) return UNSURE
      const value = skipSpace(bytes, colon + 1, end)
      const after = this.#skipValue(value, end)
      if (after === UNSURE) return UNSURE
      if (field && !this.#found(field, value, after)) return UNSURE
      i = skipSpace(bytes, after, end)
      if (bytes[i] === Byte.CLOSE_OBJECT) return i + 1
      if (bytes[i] !== Byte.COMMA) return UNSURE
    }
    return UNSURE
  }

  /** The field that a key names, if it is a wanted one; a key with an escape may name any. */
  #fieldAt(start: number, end: number): Field | undefined | typeof UNSURE {
    const bytes = this.#bytes
    // Loops, not find(): a closure for each key of each line is what a fast reader must not leave to the collector.
    for (const field of this.#fields) {
      if (field.key.length === end - start && isAt(bytes, start, field.key)) return field
    }
    for (let i = start; i < end; i++) if (bytes[i] === Byte.BACKSLASH) return UNSURE
    return undefined
  }

  /** False when the line has had this key before. */
  #found(field: Field, start: number, end: number): boolean {
    if (field.start >= 0) return false
    field.start = start
    field.end = end
    field.plain = this.#plain
    return true
  }

  #skipValue(start: number, end: number): number {
    const bytes = this.#bytes
    if (start >= end) return UNSURE
    const first = bytes[start]
    this.#plain = false
    if (first === Byte.OPEN_ARRAY || first === Byte.OPEN_OBJECT) return this.#skipNested(start, end)
    if (first !== Byte.QUOTE) return skipPrimitive(bytes, start, end)
    const closing = endOfString(bytes, start + 1, end)
    return closing === UNSURE ? UNSURE : closing + 1
  }

  /** Skips a list or an object, and notes whether it is one choice whose texts are plain ones. */
  #skipNested(start: number, end: number): number {
    const bytes = this.#bytes
    let depth = 0
    let lists = 0
    let choices = 0
    let plain = true
    let previous: number | undefined
    for (let i = start; i < end; i++) {
      const byte = bytes[i]
      if (byte === undefined || byte <= Byte.SPACE) continue
      if (byte === Byte.QUOTE) {
        if (previous === Byte.OPEN_ARRAY && depth === TURNS_DEPTH) lists++
        if (!beginsPlainly(bytes[i + 1])) plain = false
        i = endOfString(bytes, i + 1, end)
        if (i === UNSURE) return UNSURE
      } else if (byte === Byte.OPEN_ARRAY || byte === Byte.OPEN_OBJECT) {
        if (depth++ === 1) choices++
      } else if (byte === Byte.CLOSE_ARRAY || byte === Byte.CLOSE_OBJECT) {
        if (--depth === 0) {
          this.#plain = plain && lists === 1 && choices === 1
          return i + 1
        }
      }
      previous = byte
    }
    return UNSURE
  }
}
