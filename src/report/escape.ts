import { stripVTControlCharacters } from 'node:util'

/**
 * Everything foreign (model output, names, log lines, errors, paths) passes through here, so that none of it takes
 * effect where it is shown. Nothing is dropped: what cannot be shown as it is, is spelled out.
 *
 * Why code spans and not backslashes or entities: GitHub looks for mentions, issue references, commit SHAs and emoji
 * shortcodes after entities are decoded, and leaves only the content of code alone.
 */

/** Characters that are invisible, turn the direction of text, or control something: all but newline and tab. */
const INVISIBLE =
  /(?![\n\t])(?:[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0\ufffe\uffff]|\p{Default_Ignorable_Code_Point}(?<!\ufe0f))/gu

/**
 * Text whose every character can be seen: colours are stripped, invisible characters are spelled `\u{202e}`, and a
 * workflow command (`::error::` at a line's start, `##[error]` anywhere) gets a space so that a log that shows the
 * text obeys nothing in it.
 */
export function visible(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r\n?/g, '\n')
    .replace(INVISIBLE, char => `\\u{${char.codePointAt(0)?.toString(16)}}`)
    .replace(/##(?=\[)/g, '# #')
    .replace(/^([^\S\n]*):(?=:)/gm, '$1: ')
}

/** Visible text on one line: newlines and other white space become single spaces. */
export function oneLine(text: string): string {
  return visible(text).replace(/\s+/g, ' ').trim()
}

/** At most `length` UTF-16 units and an ellipsis; never half a character. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text
  return `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…`
}

/** A Markdown code span. Its fence is longer than any inside. */
export function code(text: string): string {
  const line = oneLine(text)
  if (line === '') return '(empty)'
  const fence = '`'.repeat(longestRun(line) + 1)
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : ''
  return `${fence}${pad}${line}${pad}${fence}`
}

/**
 * Code for a table's cell. A `|` stands between two spans as an entity, because parsers disagree on what a backslash
 * before it means.
 */
export function cell(text: string): string {
  const parts = oneLine(text).split('|')
  if (parts.length === 1) return code(text)
  return parts.map(part => (part.trim() === '' ? '' : code(part))).join('&#124;')
}

/** A fenced code block that nothing inside can close. */
export function block(text: string, language = 'text'): string {
  const lines = visible(text).trimEnd() || '(empty)'
  const fence = '`'.repeat(Math.max(3, longestRun(lines) + 1))
  return `${fence}${language}\n${lines}\n${fence}`
}

/**
 * A sentence as Markdown: plain words stay words; a word with anything in it that Markdown or GitHub could act on
 * becomes code, and so does what stands between backticks. `opens`: it begins a paragraph, a heading or an item.
 */
export function prose(text: string, { opens = true }: { readonly opens?: boolean } = {}): string {
  const line = oneLine(text)
  if (line === '') return '(empty)'
  const parts = backtickParts(line).flatMap((part, index) =>
    'code' in part ? [part] : wordParts(part.text, { opens: opens && index === 0 }),
  )
  return joinParts(parts)
}

type Part = { readonly code: string } | { readonly text: string }

/** Splits at `…` pairs, which our own messages put around names and commands. */
export function backtickParts(text: string): readonly Part[] {
  return text
    .split(/(?<!`)`([^`]*[^`\s][^`]*)`(?!`)/)
    .map((part, index) => (index % 2 === 1 ? { code: part } : { text: part }))
    .filter(part => 'code' in part || part.text !== '')
}

const WORD = /^[("'“‘]*[\p{L}\p{N}][\p{L}\p{N}\p{M}.,'’/+%=()"“”…–—−-]*[,;:!?]?$/u
const SIGN = /^[·×÷→…–—−%]$/
const PUNCTUATION = /^[()"'“”‘’.,;:!?]+$/
/** A web address, a commit, GH-12 and its like. */
const REFERENCE = /www\.|\b[0-9a-f]{7,}\b|[a-z]-\d/i

function isPlain(word: string, place: { readonly opens: boolean }): boolean {
  if (place.opens && /^(\d+[.)]|[^\p{L}\p{N}("'“‘]+)$/u.test(word)) return false // could start a list or a command
  return SIGN.test(word) || PUNCTUATION.test(word) || (WORD.test(word) && !REFERENCE.test(word))
}

/** Words with the white space between them; neighbours that need it share one code span. */
function wordParts(text: string, place: { readonly opens: boolean }): readonly Part[] {
  const parts: Part[] = []
  for (const piece of text.split(/(\s+)/).filter(Boolean)) {
    if (piece.trim() === '' || isPlain(piece, { opens: place.opens && parts.length === 0 }))
      parts.push({ text: piece })
    else pushCode(parts, piece)
  }
  return parts
}

/** Brackets and punctuation around a word stay outside its code span: `(a_b),` → (`a_b`), */
function pushCode(parts: Part[], word: string): void {
  const [, before = '', core = '', after = ''] = /^([("'“‘]*)(.*?)([,;:.!?]*)$/su.exec(word) ?? []
  const closes = core.endsWith(')') && !core.includes('(')
  const bare = closes ? core.slice(0, -1) : core
  if (bare === '') parts.push({ code: word })
  else if (before === '' && isSpace(parts.at(-1)) && isCode(parts.at(-2))) mergeInto(parts, bare)
  else parts.push(...textPart(before), { code: bare })
  if (bare !== '') parts.push(...textPart((closes ? ')' : '') + after))
}

const textPart = (text: string): readonly Part[] => (text === '' ? [] : [{ text }])
const isCode = (part: Part | undefined) => part !== undefined && 'code' in part
const isSpace = (part: Part | undefined) => part !== undefined && 'text' in part && part.text.trim() === ''

function mergeInto(parts: Part[], word: string): void {
  parts.pop()
  const last = parts.pop()
  parts.push({ code: `${last && 'code' in last ? last.code : ''} ${word}` })
}

/** Two spans that touch would melt into one. */
function joinParts(parts: readonly Part[]): string {
  let joined = ''
  let before: Part | undefined
  for (const part of parts) {
    const touching = isCode(part) && isCode(before)
    joined += (touching ? ' ' : '') + ('code' in part ? code(part.code) : part.text)
    before = part
  }
  return joined
}

function longestRun(text: string): number {
  return Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
}

/** Text for HTML, in an element or a quoted attribute. */
export function html(text: string): string {
  return visible(text).replace(/[&<>"'`]/g, char => `&#${char.charCodeAt(0)};`)
}

/** One line of code as HTML, also for the raw HTML lines of Markdown (a `<summary>`), which no blank line may end. */
export function htmlCode(text: string): string {
  return `<code>${html(oneLine(text))}</code>`
}

/**
 * A name in a Mermaid diagram. Signs become their full-width twins: they look the same, and none is a separator, a
 * comment, a directive or an entity to Mermaid.
 */
export function mermaid(text: string): string {
  const line = oneLine(text).replace(/[!-~]/g, char =>
    /[\w./-]/.test(char) ? char : String.fromCharCode(char.charCodeAt(0) + 0xfee0),
  )
  return line === '' ? '(empty)' : line
}
