/** Bytes of something larger, from `start` to `end` (exclusive). */
export interface Span {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

const FREE = -1
const HASHED = 12

export function spanOf(text: string): Span {
  const bytes = Buffer.from(text)
  return { bytes, start: 0, end: bytes.length }
}

/**
 * Question ids by position, in the order in which they came. They are kept and found as bytes: with a string for
 * each id of each line, most of the time and memory of reading scores would go into making and collecting them.
 */
export class IdTable {
  size = 0
  #bytes: Buffer = Buffer.allocUnsafe(16 * 1024)
  /** Where each id ends in `#bytes`; it begins where the one before ends. */
  #ends = new Uint32Array(256)
  /** Positions by hash, linear probing; at most half full. */
  #slots = new Int32Array(512).fill(FREE)

  /** The position of an id, or −1. */
  find({ bytes, start, end }: Span): number {
    return this.#slots[this.#slotOf(bytes, start, end)] ?? FREE
  }

  /** False when it is there already. */
  add({ bytes, start, end }: Span): boolean {
    const slot = this.#slotOf(bytes, start, end)
    if (this.#slots[slot] !== FREE) return false
    const from = this.#begin(this.size)
    this.#makeRoom(from + end - start)
    bytes.copy(this.#bytes, from, start, end)
    this.#ends[this.size] = from + end - start
    this.#slots[slot] = this.size++
    if (this.size * 2 > this.#slots.length) this.#grow()
    return true
  }

  text(position: number): string {
    return this.#bytes.toString('utf8', this.#begin(position), this.#ends[position])
  }

  texts(): string[] {
    return Array.from({ length: this.size }, (_, position) => this.text(position))
  }

  #begin(position: number): number {
    return position === 0 ? 0 : (this.#ends[position - 1] ?? 0)
  }

  /** The slot that holds an id, or the free one that is its. */
  #slotOf(bytes: Buffer, start: number, end: number): number {
    const mask = this.#slots.length - 1
    let slot = hashOf(bytes, start, end) & mask
    for (;;) {
      const position = this.#slots[slot] ?? FREE
      if (position === FREE || this.#holds(position, bytes, start, end)) return slot
      slot = (slot + 1) & mask
    }
  }

  #holds(position: number, bytes: Buffer, start: number, end: number): boolean {
    const from = this.#begin(position)
    if (this.#ends[position] !== from + end - start) return false
    const own = this.#bytes
    for (let i = start, j = from; i < end; i++, j++) if (own[j] !== bytes[i]) return false
    return true
  }

  #makeRoom(length: number): void {
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2))
      this.#bytes.copy(larger)
      this.#bytes = larger
    }
    if (this.size === this.#ends.length) {
      const larger = new Uint32Array(this.#ends.length * 2)
      larger.set(this.#ends)
      this.#ends = larger
    }
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2).fill(FREE)
    for (let position = 0; position < this.size; position++) {
      const slot = this.#slotOf(this.#bytes, this.#begin(position), this.#ends[position] ?? 0)
      this.#slots[slot] = position
    }
  }
}

/** FNV-1a over the last bytes, where ids differ most. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start)
  for (let i = Math.max(start, end - HASHED); i < end; i++)
    hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
  return hash ^ (hash >>> 15)
}
