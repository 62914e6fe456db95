import { braced } from './text.ts'

/** LaTeX with one spelling for what is written in several ways; layout is gone. */
export function normalizeLatex(latex: string): string {
  return (
    unwrap(latex)
      .replaceAll(/\\(?:left|right|bigl|bigr|Bigl|Bigr|big|Big|displaystyle)(?![a-zA-Z])/g, '')
      .replaceAll(/\\[dt]frac/g, '\\frac')
      .replaceAll(/\\operatorname\{([a-z]+)\}|\\mathrm\{([a-z]+)\}/g, (_, a = '', b = '') => `\\${a}${b}`)
      .replaceAll(/\\[,;:! ]/g, ' ')
      .replaceAll(/\$/g, '')
      // \frac12 → \frac{1}{2}
      .replaceAll(/\\frac\s*(\d)\s*(\d)/g, '\\frac{$1}{$2}')
      .replaceAll(/\\sqrt\s*(\d)/g, '\\sqrt{$1}')
      .replaceAll(/(?<=\d),(?=\d{3}(?!\d))/g, '')
      .trim()
  )
}

/** `\text{5}`, `\textbf{5}` and `\boxed{5}` mean 5. */
function unwrap(latex: string): string {
  const wrapper = /\\(?:text|textbf|mathbf|overline|boxed)\{/.exec(latex)
  if (!wrapper) return latex
  const open = wrapper.index + wrapper[0].length - 1
  const content = braced(latex, open)
  if (content === undefined) return latex
  const rest = latex.slice(open + content.length + 2)
  return `${latex.slice(0, wrapper.index)}${content}${rest.length < latex.length ? unwrap(rest) : rest}`
}
