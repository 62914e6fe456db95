/** JSON as bytes: the signs, and how to get from one to the next without decoding what is between. */
export const Byte = {
  SPACE: 0x20,
  QUOTE: 0x22,
  DOLLAR: 0x24,
  COMMA: 0x2c,
  COLON: 0x3a,
  OPEN_ARRAY: 0x5b,
  BACKSLASH: 0x5c,
  CLOSE_ARRAY: 0x5d,
  OPEN_OBJECT: 0x7b,
  CLOSE_OBJECT: 0x7d,
  NOT_ASCII: 0x80,
} as const

/** What these functions return for what they do not understand. */
export const UNSURE = -1
/** Most strings end within so many bytes. */
const NEAR = 80

export function skipSpace(bytes: Buffer, start: number, end: number): number {
  let i = start
  while (i < end && (bytes[i] ?? 0) <= Byte.SPACE) i++
  return i
}

/** The closing quote of the string that begins at `start`. */
export function endOfString(bytes: Buffer, start: number, end: number): number {
  const near = Math.min(end, start + NEAR)
  let i = start
  for (; i < near; i++) {
    const byte = bytes[i]
    if (byte === Byte.QUOTE) return i
    if (byte === Byte.BACKSLASH) i++
  }
  return endOfLongString(bytes, i, end)
}

/** The same by the native search, whose call pays for itself when the quote is far. */
function endOfLongString(bytes: Buffer, start: number, end: number): number {
  let from = start
  while (from < end) {
    const quote = bytes.indexOf(Byte.QUOTE, from)
    if (quote < 0 || quote >= end) return UNSURE
    let before = quote
    while (before > start && bytes[before - 1] === Byte.BACKSLASH) before--
    if ((quote - before) % 2 === 0) return quote
    from = quote + 1
  }
  return UNSURE
}

/** Behind a number, true, false or null; Python's NaN and Infinity are none of these. */
export function skipPrimitive(bytes: Buffer, start: number, end: number): number {
  if (isNumeric(bytes[start])) {
    let i = start
    while (i < end && isNumeric(bytes[i])) i++
    return i
  }
  for (const word of CONSTANTS) if (isAt(bytes, start, word)) return start + word.length
  return UNSURE
}

const CONSTANTS = ['true', 'false', 'null'].map(word => Buffer.from(word))

function isNumeric(byte: number | undefined): boolean {
  if (byte === undefined) return false
  // 0-9, and + - . E e
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x45 ||
    byte === 0x65
  )
}

export function beginsPlainly(byte: number | undefined): boolean {
  if (byte === undefined || byte <= Byte.SPACE || byte >= Byte.NOT_ASCII) return false
  return byte !== Byte.QUOTE && byte !== Byte.BACKSLASH && byte !== Byte.DOLLAR
}

export function isAt(bytes: Buffer, start: number, word: Buffer): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false
  return true
}
