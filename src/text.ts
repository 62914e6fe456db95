/** The word that was most likely meant: at most two edits away (one in a short word), or null. */
export function nearest(word: string, words: readonly string[]): string | null {
  const reach = word.length < 5 ? 1 : 2
  const ranked = words
    .map(candidate => ({ candidate, edits: edits(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ edits }) => edits <= reach)
    .sort((a, b) => a.edits - b.edits)
  return ranked[0]?.candidate ?? null
}

/** Damerau's distance: one edit is a letter added, dropped, changed, or two neighbours swapped. */
function edits(a: string, b: string): number {
  // Far apart by length alone: the table would only say so, and a hostile key may be very long.
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY
  let older: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? (older[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change, swap))
    }
    older = previous
    previous = row
  }
  return previous[b.length] ?? 0
}
