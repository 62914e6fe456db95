import { expect, test } from 'vitest'
import { renderHtml } from '../../src/report/html.ts'
import { CASES } from './cases.ts'

const TAGS = new Set(
  'html head meta link title style body main header h1 h2 h3 h4 ul li section div p span article code pre table thead tbody tr th td b i small svg g line rect text details summary dl dt dd footer a'.split(
    ' ',
  ),
)
const pages = Object.entries(CASES).map(([name, create]) => [name, renderHtml(create())] as const)

test.each(pages)('%s has a strict policy, no script and no address to load from', (_, page) => {
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:;`)
  expect(page).not.toMatch(/<(?:script|img|iframe|object|embed|form|base)\b/i)
  expect(
    [...page.matchAll(/href="([^"]*)"/g)]
      .map(([, href]) => href)
      .filter(href => !/^(https:\/\/github\.com\/acme\/|data:image\/svg)/.test(href ?? '')),
  ).toEqual([])
})

test.each(pages)('%s holds no tag but ours, each closed', (_, page) => {
  const body = page.slice(page.indexOf('<body>'), page.indexOf('</html>'))
  const open: string[] = []
  for (const [, slash, name = '', rest = ''] of body.matchAll(/<(\/?)([a-z0-9]+)([^>]*)>/gi)) {
    expect(TAGS).toContain(name)
    if (slash) expect(open.pop()).toBe(name)
    else if (!rest.endsWith('/')) open.push(name)
  }
  expect(open).toEqual([])
  expect(body.replace(/<\/?[a-z0-9]+[^>]*>/gi, '')).not.toMatch(/[<>]/)
})

test('the row and the card of an invalid model have no number', () => {
  const page = renderHtml(CASES.invalid?.() ?? expect.fail())
  expect(page).not.toContain('27.8')
  expect(page).toContain('<td class="bad">INVALID</td><td></td>')
})
