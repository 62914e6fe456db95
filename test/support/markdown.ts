import { marked, type Token, type Tokens } from 'marked'

/** Targets of all links and images of a Markdown text, raw HTML's included. */
export function linkTargets(markdown: string): readonly string[] {
  const targets: string[] = []
  marked.walkTokens(marked.lexer(markdown), token => {
    if (token.type === 'link' || token.type === 'image') targets.push((token as Tokens.Link).href)
    if (token.type === 'html') targets.push(...htmlTargets(token))
  })
  return targets
}

/** The anchors of a text's headings, as GitHub makes them; a repeated heading gets `-1`, `-2`, … */
export function anchors(markdown: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const found = new Set<string>()
  marked.walkTokens(marked.lexer(markdown), token => {
    if (token.type !== 'heading') return
    const slug = slugOf((token as Tokens.Heading).text)
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    found.add(times === 0 ? slug : `${slug}-${times}`)
  })
  return found
}

/** The single commands of all `sh` blocks, as words; what is quoted becomes one word. */
export function shellCommands(markdown: string): readonly (readonly string[])[] {
  return marked
    .lexer(markdown)
    .filter((token): token is Tokens.Code => token.type === 'code' && token.lang === 'sh')
    .map(({ text }) => text.replace(/\\\n/g, ' ').replace(/'[^']*'|"[^"]*"/g, 'quoted'))
    .flatMap(text => text.replace(/(^|\s)#.*$/gm, '').split(/\n|&&|\|\|?|;/))
    .map(command => command.trim().split(/\s+/))
    .map(words => words.slice(words.findIndex(word => !/^\w+=/.test(word))))
    .filter(([program]) => program !== '')
}

function htmlTargets(token: Token): string[] {
  return [...token.raw.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(match => match[1] ?? '')
}

function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}
