import type { Piece, Text } from './digest.ts'
import { backtickParts, html, htmlCode, oneLine } from './escape.ts'

/** Our text as inline HTML; what stands between backticks is code. */
export function inline(pieces: Text): string {
  return pieces.map(piece => (typeof piece === 'string' ? sentence(piece) : htmlCode(piece.code))).join('')
}

function sentence(text: string): string {
  return backtickParts(text)
    .map(part => ('code' in part ? htmlCode(part.code) : html(part.text)))
    .join('')
}

export const pre = (text: string): string => `<pre>${html(text)}</pre>`

/** A table's cell; `look` is a class of html-style.ts. */
export function cell(content: Piece, look = ''): string {
  return `<td${look && ` class="${look}"`}>${inline([content])}</td>`
}

export function table(titles: readonly Piece[], rows: readonly (readonly string[])[]): string {
  const head = titles.map(
    title => `<th scope="col">${typeof title === 'string' ? html(title) : html(oneLine(title.code))}</th>`,
  )
  const body = rows.map(row => `<tr>${row.join('')}</tr>`)
  return `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}
