/** Finding the answer in what a model wrote, by the rules of LiveBench's process_results. */

/** The text without its `<think>…</think>` parts. */
export function stripThinking(text: string): string {
  const kept: string[] = []
  let from = 0
  for (;;) {
    const start = text.indexOf('<think>', from)
    const end = start < 0 ? -1 : text.indexOf('</think>', start)
    if (end < 0) return kept.join('') + text.slice(from)
    kept.push(text.slice(from, start))
    from = end + '</think>'.length
  }
}

/** The last `<solution>…</solution>` that lies on one line; undefined when there is none. */
export function lastSolution(text: string): string | undefined {
  return text.split('\n').flatMap(solutions).at(-1)
}

/** What stands in every `<solution>…</solution>`, over lines too, in upper or lower case. */
export function solutions(text: string): string[] {
  const [open, close] = ['<solution>', '</solution>']
  const lower = asciiLower(text)
  const found: string[] = []
  let from = 0
  for (;;) {
    const start = lower.indexOf(open, from)
    const end = start < 0 ? -1 : lower.indexOf(close, start)
    if (end < 0) return found
    found.push(text.slice(start + open.length, end))
    from = end + close.length
  }
}

/** The content of the last `\boxed{…}` (or `\fbox{…}`, or `\boxed …` up to a `$`); undefined when there is none. */
export function lastBoxed(text: string): string | undefined {
  const spaced = text.lastIndexOf('\\boxed ')
  if (spaced >= 0) return text.slice(spaced + '\\boxed '.length).split('$')[0]
  const start = Math.max(
    text.lastIndexOf('\\boxed'),
    text.includes('\\boxed') ? -1 : text.lastIndexOf('\\fbox'),
  )
  const content = start < 0 ? undefined : braced(text, text.indexOf('{', start))
  return content?.replaceAll('$', '')
}

/** What stands in the braces that open at `open`; undefined when they do not close. */
export function braced(text: string, open: number): string | undefined {
  if (open < 0) return undefined
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth++
    if (text[i] === '}' && --depth === 0) return text.slice(open + 1, i)
  }
  return undefined
}

/** The code of the last fenced block; empty when no block was closed. */
export function lastCodeBlock(text: string): string {
  const lines = text.split('\n')
  const fences = lines.flatMap((line, index) => (line.includes('```') ? [index] : []))
  const [open, close] = fences.slice(-2)
  return open === undefined || close === undefined ? '' : lines.slice(open + 1, close).join('\n')
}

/** Lower case that keeps every character's place, which toLowerCase does not ("İ" gets longer). */
function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, letter => letter.toLowerCase())
}
