import type { Piece, Text } from './digest.ts'
import { cell, clip, code, prose } from './escape.ts'

/** How much of each list is shown. */
export interface Bounds {
  readonly models: number
  readonly questions: number
  readonly reasons: number
  /** Characters of a sentence. */
  readonly sentence: number
  /** Characters of a block: a prompt, a reply, a log line. */
  readonly text: number
}

/** Our text as inline Markdown. */
export function text(pieces: Text): string {
  return pieces
    .map((piece, index) => (typeof piece === 'string' ? words(piece, index) : code(clip(piece.code, 300))))
    .join('')
}

/** The spaces around a piece keep it apart from its neighbours. */
function words(piece: string, index: number): string {
  const [, before = '', middle = '', after = ''] = /^(\s*)(.*?)(\s*)$/s.exec(piece) ?? []
  return (before && ' ') + (middle && prose(middle, { opens: index === 0 })) + (after && ' ')
}

/** The title of a column. A plain name (`data_analysis`) needs no code, which is heavy in a header. */
export function tableTitle(piece: Piece): string {
  if (typeof piece === 'string') return piece
  const isPlain = /^[a-z]+(_[a-z]+)*$/i.test(piece.code) && !/\b[0-9a-f]{7,}\b/i.test(piece.code)
  return isPlain ? clip(piece.code, 40) : cell(clip(piece.code, 80))
}

/** A number and its unit stay on one line of a narrow cell. */
export const unbroken = (value: string): string => value.replaceAll(' ', '\u00a0')
