/** A message in a reason is a hint; the whole of it stays in the file. */
const MESSAGE_LENGTH = 200
/** What LiveBench and its relatives write for what went well. */
const fine: ReadonlySet<unknown> = new Set([undefined, null, false, '', 'ok', 'success'])
// Control characters would act on the terminal that shows them.
const unprintable = /[\s\p{Cc}]+/gu

/** What a row says of a failure in `error_msg`, `error` or `eval_status`; undefined when it says nothing. */
export function saysFailed(row: Readonly<Record<string, unknown>>): string | undefined {
  const said = [row.error_msg, row.error, row.eval_status].find(value => !fine.has(value))
  return said === undefined ? undefined : oneLine(said)
}

/** Anything as one line of printable text, cut to the length of a message. */
export function oneLine(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return cut(printable(text.slice(0, 10 * MESSAGE_LENGTH)), MESSAGE_LENGTH)
}

/** Text from a file as one line without control characters. */
export function printable(text: string): string {
  return text.replace(unprintable, ' ').trim()
}

/** The first `length` characters, with a mark when there were more. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text
  return `${text
    .slice(0, length)
    .toWellFormed()
    .replace(/\uFFFD$/, '')}…`
}

/** `1 question`, `2 questions`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
