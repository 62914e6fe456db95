import fc from 'fast-check'
import { lexer, type Token, Tokenizer } from 'marked'
import { describe, expect, test } from 'vitest'
import {
  block,
  cell,
  clip,
  code,
  html,
  htmlCode,
  mermaid,
  oneLine,
  prose,
  visible,
} from '../../src/report/escape.ts'

/** Pieces of everything that Markdown, HTML, GitHub, Mermaid, a terminal or the runner could act on. */
const NASTY = [
  '@user',
  '@org/team',
  '#12',
  'GH-12',
  'owner/repo#1',
  'd4e5f6a7b8',
  'https://x.example',
  'www.x.example',
  'a@b.example',
  '![i](x)',
  '[a](b)',
  '[^1]',
  '[^1]: x',
  '- [x] t',
  '- ',
  '1. ',
  '# ',
  '> ',
  '>',
  '|',
  '\\|',
  '\\',
  '`',
  '``',
  '```',
  '````text',
  '~~~',
  '~~',
  '**',
  '__',
  '_a_',
  '*',
  ':rocket:',
  '$x$',
  '<b>',
  '</details>',
  '<!--',
  '-->',
  '&amp;',
  '&#64;',
  '===',
  '---',
  '\n',
  '\n\n',
  '\r',
  '\t',
  '    ',
  ' ',
  '%%{init: {}}%%',
  ';',
  ':',
  ',',
  'click',
  '::error::',
  '##[error]',
  '\u202e',
  '\u200b',
  '\u0000',
  '\u001b[31m',
  '\ud800',
  '"',
  "'",
  'word',
  'données',
  '日本',
  '😀',
  '(',
  ')',
  '.',
  '!',
]
const foreign = fc.oneof(
  fc.array(fc.constantFrom(...NASTY), { maxLength: 12 }).map(parts => parts.join('')),
  fc.array(fc.constantFrom(...NASTY), { maxLength: 12 }).map(parts => parts.join(' ')),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

/** Block structure, and within a paragraph only the kinds of its tokens, neighbours of plain kinds taken together. */
function shape(markdown: string): string {
  const plain = new Set(['text', 'codespan', 'escape'])
  const of = (tokens: readonly Token[]): string =>
    tokens
      .filter(token => token.type !== 'space')
      .map(token => {
        if (plain.has(token.type) && !('tokens' in token && token.tokens?.length)) return 'words'
        if (token.type === 'table')
          return `table(${[token.header, ...token.rows].map(row => row.map((c: { tokens: Token[] }) => of(c.tokens))).join('/')})`
        const inner = token.type === 'list' ? token.items : 'tokens' in token ? (token.tokens ?? []) : []
        return `${token.type}(${of(inner)})`
      })
      .join(' ')
      .replace(/words(?: words)+/g, 'words')
  return of(lexer(markdown, { gfm: true, tokenizer: new Tokenizer() }))
}

/** The words that a reader sees. */
function seen(tokens: readonly Token[]): string {
  return tokens
    .map(token =>
      'tokens' in token && token.tokens ? seen(token.tokens) : 'text' in token ? token.text : '',
    )
    .join('')
}

const bare = (text: string) => oneLine(text).replace(/[\s`]/g, '')

describe('nothing foreign changes the structure of a document', () => {
  const places: Readonly<Record<string, (text: string) => string>> = {
    'code in a paragraph': text => `before ${code(text)} after`,
    'code at a line start': text => `${code(text)}\n\nafter`,
    'code in a heading': text => `### LMRun: ${code(text)} 1.0`,
    'code in a table': text => `| a | b |\n| - | - |\n| ${cell(text)} | 1 |\n\nafter`,
    'prose in a paragraph': text => `before ${prose(text)} after\n\nend`,
    'prose at a line start': text => `${prose(text)}\n\nafter`,
    'prose in a list': text => `- ${prose(text)}\n- y`,
    'prose in bold': text => `**${prose(text)}** after`,
    'a fenced block': text => `before\n${block(text)}\nafter`,
    'a fenced block in a quote': text => `> before\n${block(text).replace(/^/gm, '> ')}\n\nafter`,
    'a summary': text => `<details><summary>${htmlCode(text)}</summary>\n\nbody\n\n</details>`,
  }

  test.each(Object.entries(places))('%s', (_, place) => {
    fc.assert(
      fc.property(foreign, text => {
        expect(shape(place(text))).toBe(shape(place('x')))
      }),
      { numRuns: 500 },
    )
  })
})

describe('nothing foreign is lost', () => {
  test('code', () => {
    fc.assert(
      fc.property(foreign, text => {
        fc.pre(oneLine(text) !== '')
        expect(seen(lexer(`a ${code(text)}`)).slice(2)).toBe(oneLine(text))
      }),
    )
  })

  test('prose, but for the backticks around what becomes code', () => {
    fc.assert(
      fc.property(foreign, text => {
        const shown = seen(lexer(`a ${prose(text, { opens: false })}`)).slice(1)
        fc.pre(oneLine(text) !== '')
        expect(shown.replace(/[\s`]/g, '')).toBe(bare(text))
      }),
    )
  })

  test('a block', () => {
    fc.assert(
      fc.property(foreign, text => {
        const [token] = lexer(block(text))
        expect(token).toMatchObject({ type: 'code', text: visible(text).replace(/\s+$/, '') || '(empty)' })
      }),
    )
  })
})

test('what GitHub would act on stands in code', () => {
  const tokens = [
    '@user',
    '@org/team',
    '#12',
    'GH-12',
    'owner/repo#1',
    'd4e5f6a7b8',
    'https://x.example',
    'www.x.example',
    'a@b.example',
    ':rocket:',
    '$x$',
    '[^1]',
    '&#64;user',
  ]
  for (const token of tokens) {
    const outside = prose(`fixed by ${token} today`).replace(/(`+)(?:(?!\1).)+\1/g, '')
    expect(outside, token).toMatch(/^fixed by :? ?today$/)
  }
})

describe('prose', () => {
  test.each([
    ['the model server ended with exit code 1 before it was ready', undefined],
    ['Lower `--max-model-len`, then run again (it helps).', undefined],
    ['4,096 tokens, 33 % of all; see the log: it tells!', undefined],
    ['1. first', '`1`. first'],
    ['- item', '`-` item'],
    ['# title', '`#` title'],
    ['see math/math_comp, AMPS_Hard.', 'see `math/math_comp`, `AMPS_Hard`.'],
    ['ask @acme/team about #12 in a/b#1', 'ask `@acme/team` about `#12` in `a/b#1`'],
    ['call f(x_1) now', 'call `f(x_1)` now'],
    ['a\nb\r\nc', 'a b c'],
  ])('%j', (text, shown = text) => {
    expect(prose(text)).toBe(shown)
  })
})

describe('visible', () => {
  test.each([
    ['\u202etxt\u2066\u200b\ufeff', '\\u{202e}txt\\u{2066}\\u{200b}\\u{feff}'],
    ['\u0000\u0007\ud800', '\\u{0}\\u{7}\\u{d800}'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['50 %\r100 %\r\n', '50 %\n100 %\n'],
    ['::error::x\n  ::set-output::y', ': :error::x\n  : :set-output::y'],
    ['a ##[group]b', 'a # #[group]b'],
  ])('%j', (text, shown) => {
    expect(visible(text)).toBe(shown)
  })

  test('leaves nothing that a runner takes for a command', () => {
    fc.assert(
      fc.property(foreign, text => {
        for (const line of visible(text).split('\n')) {
          expect(line.trim().startsWith('::')).toBe(false)
          expect(line.includes('##[')).toBe(false)
        }
      }),
    )
  })
})

test('clip cuts between characters', () => {
  expect(clip('abc', 3)).toBe('abc')
  expect(clip('abcd', 3)).toBe('abc…')
  expect(clip('ab😀', 3)).toBe('ab…')
})

test('html shows every character as text', () => {
  expect(html(`<b a="x" b='y'>&amp;\`</b>`)).toBe(
    '&#60;b a=&#34;x&#34; b=&#39;y&#39;&#62;&#38;amp;&#96;&#60;/b&#62;',
  )
})

test('a Mermaid name has no sign that Mermaid knows', () => {
  expect(mermaid('a: b, c; #d %%{init}\nclick')).toBe('a： b， c； ＃d ％％｛init｝ click')
  fc.assert(
    fc.property(foreign, text => {
      expect(mermaid(text)).toMatch(/^[^:,;#%<>{}"`\n]+$/)
    }),
  )
})
