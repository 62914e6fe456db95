// Takes a picture of a report as GitHub (Markdown) or a browser (HTML) shows it, with Debian's Chromium:
//   node scripts/picture.mjs test/report/golden/two-models.md docs/images/comment.png [--width 900] [--scale 2] [--dark] [--open]
// --open unfolds every <details>. Diagrams are shown as their text: Mermaid would have to be downloaded.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { marked } from 'marked'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    width: { type: 'string', default: '900' },
    scale: { type: 'string', default: '2' },
    dark: { type: 'boolean', default: false },
    open: { type: 'boolean', default: false },
  },
})
const [input, output] = positionals
if (!input || !output)
  throw new Error(
    'usage: node scripts/picture.mjs IN.md|IN.html OUT.png [--width N] [--scale N] [--dark] [--open]',
  )

const source = readFileSync(input, 'utf8')
const page = open(input.endsWith('.md') ? markdownPage(source) : source)
const folder = mkdtempSync(path.join(tmpdir(), 'lmrun-picture-'))
try {
  const height = measure(page)
  const file = path.join(folder, 'page.html')
  writeFileSync(file, page)
  chromium(file, `--window-size=${values.width},${height}`, `--screenshot=${path.resolve(output)}`)
  console.log(`${output}: ${values.width} × ${height}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** GitHub's own style sheet, and its alerts, which marked leaves as quotes. */
function markdownPage(markdown) {
  const css = readFileSync(
    createRequire(import.meta.url).resolve('github-markdown-css/github-markdown.css'),
    'utf8',
  )
  const body = marked(markdown, { gfm: true }).replace(
    /<blockquote>\s*<p>\[!(\w+)\]\n?([\s\S]*?)<\/blockquote>/g,
    (_, kind, rest) =>
      `<div class="markdown-alert markdown-alert-${kind.toLowerCase()}"><p class="markdown-alert-title">${kind[0] + kind.slice(1).toLowerCase()}</p><p>${rest}</div>`,
  )
  const frame =
    'body { margin: 0; background: var(--bgColor-default); } article { padding: 20px 24px; box-sizing: border-box; }'
  return `<!doctype html><meta charset="utf-8"><style>${css}${frame}</style><article class="markdown-body">${body}</article>`
}

function open(html) {
  return values.open ? html.replaceAll('<details>', '<details open>') : html
}

/** The page tells its height in its title. A copy without its policy is measured, because that forbids scripts. */
function measure(html) {
  const probe =
    '<script>addEventListener("load", () => { document.title = "height:" + Math.ceil(document.documentElement.scrollHeight) })</script>'
  const file = path.join(folder, 'measure.html')
  writeFileSync(file, html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '') + probe)
  const dom = chromium(file, `--window-size=${values.width},100`, '--virtual-time-budget=2000', '--dump-dom')
  const height = /<title>height:(\d+)/.exec(dom)?.[1]
  if (!height) throw new Error('the page did not tell its height')
  return Number(height)
}

function chromium(file, ...flags) {
  return execFileSync(
    'chromium',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--user-data-dir=${path.join(folder, 'profile')}`,
      '--hide-scrollbars',
      `--force-device-scale-factor=${values.scale}`,
      `--blink-settings=preferredColorScheme=${values.dark ? 0 : 1}`,
      ...flags,
      pathToFileURL(file).href,
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] },
  )
}
