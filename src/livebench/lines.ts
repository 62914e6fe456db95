import { closeSync, openSync, readSync } from 'node:fs'
import { isRecord, parsePython } from './python-json.ts'

/** One line of a file, valid until the next one is visited: bytes `start` to `end` (exclusive). */
export interface Line {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** Counted from 1. */
  readonly number: number
  /** The last line, without the newline that ends what was written whole. */
  readonly unterminated: boolean
}

const CHUNK = 256 * 1024
const NEWLINE = 0x0a
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Visits the lines of files, blank ones left out, in the memory of one chunk (or of the longest line).
 * Reading is synchronous: with a hundred models there are a thousand small files, and the event loop's share in
 * opening each would be most of the time.
 */
export class LineReader {
  #buffer: Buffer = Buffer.allocUnsafe(CHUNK)

  read(file: string, visit: (line: Line) => void): void {
    const descriptor = openSync(file, 'r')
    try {
      this.#readAll(descriptor, visit)
    } finally {
      closeSync(descriptor)
    }
  }

  #readAll(descriptor: number, visit: (line: Line) => void): void {
    const line: Mutable<Line> = { bytes: this.#buffer, start: 0, end: 0, number: 0, unterminated: false }
    let kept = 0
    for (;;) {
      const read = readSync(descriptor, this.#buffer, kept, this.#buffer.length - kept, null)
      const filled = kept + read
      line.bytes = this.#buffer
      line.start = line.number === 0 && startsWithMark(this.#buffer, filled) ? BYTE_ORDER_MARK.length : 0
      visitWhole(line, filled, visit)
      if (read === 0) {
        visitLast(line, filled, visit)
        return
      }
      kept = filled - line.start
      this.#buffer = withRoom(this.#buffer, line.start, filled)
    }
  }
}

/** The object on a line, read as Python would have written it, or undefined for anything else. */
export function parseLine({ bytes, start, end }: Line): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parsePython(bytes.toString('utf8', start, end))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined // also a line too long for a string
  }
}

/** Visits every line that ends within the buffer; leaves `line.start` at the first byte of what remains. */
function visitWhole(line: Mutable<Line>, filled: number, visit: (line: Line) => void): void {
  for (;;) {
    const end = line.bytes.indexOf(NEWLINE, line.start)
    if (end < 0 || end >= filled) return
    line.end = end
    line.number++
    if (!isBlank(line)) visit(line)
    line.start = end + 1
  }
}

function visitLast(line: Mutable<Line>, filled: number, visit: (line: Line) => void): void {
  line.end = filled
  line.number++
  line.unterminated = true
  if (!isBlank(line)) visit(line)
}

/** What is left of the buffer, moved to the front, in a buffer that has room for more. */
function withRoom(buffer: Buffer, start: number, filled: number): Buffer {
  const target = start === 0 && filled === buffer.length ? Buffer.allocUnsafe(buffer.length * 2) : buffer
  buffer.copy(target, 0, start, filled)
  return target
}

function isBlank({ bytes, start, end }: Line): boolean {
  for (let i = start; i < end; i++) if ((bytes[i] ?? 0) > 0x20) return false
  return true
}

function startsWithMark(buffer: Buffer, filled: number): boolean {
  return (
    filled >= BYTE_ORDER_MARK.length && buffer.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
  )
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
