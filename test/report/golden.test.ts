import { describe, expect, test } from 'vitest'
import { annotations } from '../../src/report/annotations.ts'
import { renderHtml } from '../../src/report/html.ts'
import { COMMENT_LIMIT, renderReport } from '../../src/report/markdown.ts'
import { renderTerminal } from '../../src/report/terminal.ts'
import { CASES } from './cases.ts'

/** Hand-checked. `npx vitest run --project unit test/report --update` writes them anew; look before committing. */
describe.each(Object.entries(CASES))('%s', (name, create) => {
  test('the comment', async () => {
    const report = renderReport(create())
    expect(Buffer.byteLength(report)).toBeLessThan(COMMENT_LIMIT)
    await expect(report).toMatchFileSnapshot(`golden/${name}.md`)
  })
})

/** A huge run has the same few lines here as any other. */
describe.each(Object.entries(CASES).filter(([name]) => name !== 'huge'))('%s', (name, create) => {
  test('terminal and annotations', async () => {
    const results = create()
    const notes = annotations(results).map(({ level, title, message }) => `${level} · ${title} · ${message}`)
    await expect(`${renderTerminal(results)}\n---\n${notes.join('\n')}\n`).toMatchFileSnapshot(
      `golden/${name}.txt`,
    )
  })
})

test('the page', async () => {
  await expect(renderHtml(CASES['two-models']?.() ?? expect.fail())).toMatchFileSnapshot(
    'golden/two-models.html',
  )
})
