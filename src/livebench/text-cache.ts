const SLOTS = 1024
/** Longer texts are decoded each time. */
const LONGEST = 64
const BACKSLASH = 0x5c
const NOT_ASCII = 0x80

/**
 * Decodes short texts that come again and again (names of models and tasks, scores) once.
 * One slot a hash, and a newcomer takes the place of who was there: bounded in memory, and never wrong.
 */
export class TextCache {
  readonly #texts: string[] = new Array<string>(SLOTS).fill('')
  readonly #bytes = new Uint8Array(SLOTS * LONGEST)

  /** The text of the bytes from `start` to `end`; undefined unless it is plain ASCII, not empty, without escapes. */
  get(bytes: Buffer, start: number, end: number): string | undefined {
    if (end - start > LONGEST)
      return isPlain(bytes, start, end) ? bytes.toString('latin1', start, end) : undefined
    const slot = slotOf(bytes, start, end)
    const known = this.#texts[slot]
    if (known && this.#holds(slot, known.length, bytes, start, end)) return known
    return isPlain(bytes, start, end) ? this.#keep(slot, bytes, start, end) : undefined
  }

  #holds(slot: number, length: number, bytes: Buffer, start: number, end: number): boolean {
    if (length !== end - start) return false
    const own = this.#bytes
    for (let i = start, j = slot * LONGEST; i < end; i++, j++) if (own[j] !== bytes[i]) return false
    return true
  }

  #keep(slot: number, bytes: Buffer, start: number, end: number): string {
    const text = bytes.toString('latin1', start, end)
    for (let i = start, j = slot * LONGEST; i < end; i++, j++) this.#bytes[j] = bytes[i] ?? 0
    this.#texts[slot] = text
    return text
  }
}

/** FNV-1a. */
function slotOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
  return (hash ^ (hash >>> 15)) & (SLOTS - 1)
}

function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? BACKSLASH
    if (byte === BACKSLASH || byte >= NOT_ASCII) return false
  }
  return end > start
}
