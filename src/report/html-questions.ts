import { entries, outcome } from './digest.ts'
import { clip, html, htmlCode } from './escape.ts'
import { inline, pre } from './html-parts.ts'
import { plural } from './numbers.ts'
import type { FailedQuestion, Results } from './results.ts'

const MOST_QUESTIONS = 500
const MOST_TEXT = 20_000

/** What was asked and replied where a model got less than full marks. */
export function failedQuestions(results: Results): string {
  return entries(results)
    .filter(([, model]) => model.failedQuestions.length > 0)
    .map(([key, { failedQuestions: all }]) => {
      const shown = all.slice(0, MOST_QUESTIONS).map(question)
      const more =
        all.length > MOST_QUESTIONS
          ? `<p class="soft">and ${plural(all.length - MOST_QUESTIONS, 'more')} in results.json</p>`
          : ''
      return `<section><h2>Questions without full marks: ${htmlCode(key)}</h2><div class="card questions">${shown.join('')}${more}</div></section>`
    })
    .join('\n')
}

function question(it: FailedQuestion): string {
  const tag = `<span class="tag${(it.score ?? 0) > 0 ? ' part' : ''}">${outcome(it)}</span>`
  const title = `${tag} ${html(it.category)} / ${html(it.task)} <code class="id">${html(clip(it.questionId, 16))}</code>`
  const part = (name: string, text: string) =>
    text === '' ? '' : `<h4>${name}</h4>${pre(clip(text, MOST_TEXT))}`
  const note = it.note ? `<p class="soft">${inline([it.note])}</p>` : ''
  return `<details><summary>${title}</summary>${note}${part('Asked', it.prompt)}${part('Replied', it.answer)}</details>`
}
