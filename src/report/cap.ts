/** A folded part of the report. It is kept or dropped whole. */
export interface Section {
  /** What the pointer to the full report calls it. */
  readonly name: string
  readonly markdown: string
  /** The greatest goes first when the report is too long. */
  readonly rank: number
}

export interface Draft {
  /** What a reader must see, from whole to shortest: the first that fits is taken. */
  readonly heads: readonly string[]
  /** In the order they are shown. */
  readonly sections: readonly Section[]
  /** The last line; it names what was left out. */
  readonly foot: (dropped: readonly string[]) => string
}

/**
 * Joins a report that stays below `limit` bytes of UTF-8 (never fewer than its UTF-16 units, so below both limits).
 * Sections are dropped whole, those of the greatest rank first and of equals the last; then a shorter head is taken.
 */
export function joinWithin({ heads, sections, foot }: Draft, limit: number): string {
  const sizes = new Map(sections.map(section => [section, Buffer.byteLength(section.markdown) + GAP.length]))
  const [first = '', ...shorter] = heads
  let kept = sections
  for (;;) {
    const end = foot(sections.filter(section => !kept.includes(section)).map(section => section.name))
    const bytes =
      Buffer.byteLength(join([first, end])) +
      kept.reduce((sum, section) => sum + (sizes.get(section) ?? 0), 0)
    if (bytes < limit) return join([first, ...kept.map(section => section.markdown), end])
    if (kept.length === 0) break
    const rank = Math.max(...kept.map(section => section.rank))
    const next = kept.findLast(section => section.rank === rank)
    kept = kept.filter(section => section !== next)
  }
  const reports = shorter.map(head => join([head, foot(['all details'])]))
  return reports.find(report => Buffer.byteLength(report) < limit) ?? reports.at(-1) ?? ''
}

const GAP = '\n\n'

function join(parts: readonly string[]): string {
  return `${parts.filter(Boolean).join(GAP)}\n`
}
