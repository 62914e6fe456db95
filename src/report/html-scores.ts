import { entries, standing } from './digest.ts'
import { clip, html, oneLine } from './escape.ts'
import { scoreColumns, scoredModels } from './facts.ts'
import { cell, inline, table } from './html-parts.ts'
import { rate, score, seconds } from './numbers.ts'
import type { ModelResult, Results } from './results.ts'

/** More models than this are easier to read as a table alone. */
const MOST_CARDS = 8

/** A card a model: its score with a bar a category, or why there is none. */
export function modelCards(results: Results): string {
  const all = entries(results)
  if (all.length > MOST_CARDS || scoredModels(results).length === 0) return ''
  const cards = all.map(([key, model]) => card(key, model, results))
  return `<div class="cards${all.length === 1 ? ' single' : ''}">${cards.join('')}</div>`
}

function card(key: string, model: ModelResult, results: Results): string {
  const its = standing(model, results)
  const name = `<div class="name"><code>${html(clip(oneLine(key), 80))}</code></div>`
  if (its.kind === 'unfinished')
    return `<article class="card model">${name}<div class="big soft">not finished</div></article>`
  if (its.kind === 'invalid') {
    return `<article class="card model invalid">${name}<div class="big bad">INVALID</div><p class="why">${inline([its.why])}</p></article>`
  }
  const big = `<div class="big">${score(its.average)}<small>overall, of 100</small></div>`
  return `<article class="card model">${name}${big}${bars(model)}${meters(model)}</article>`
}

function bars({ scores }: ModelResult): string {
  if (!scores) return ''
  const parts = Object.keys(scores.categories).length > 1 ? scores.categories : scores.tasks
  const rows = Object.entries(parts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const width = Math.min(100, Math.max(0, value)).toFixed(1)
      return `<span>${html(oneLine(name))}</span><span class="track"><i style="width:${width}%"></i></span><span class="value">${score(value)}</span>`
    })
  return `<div class="bars">${rows.join('')}</div>`
}

function meters({ speed, scores }: ModelResult): string {
  const counts = scores ? `<span>questions <b>${scores.questions.expected}</b></span>` : ''
  if (!speed) return `<div class="meters">${counts}</div>`
  return `<div class="meters"><span>TTFT <b>${seconds(speed.ttft.p50)}</b></span><span>tokens/s <b>${rate(speed.tokensPerSecond.p50)}</b></span>${counts}</div>`
}

/** Models × measures, with no number in the row of a model without a valid score. */
export function scoreTable(results: Results): string {
  const columns = scoreColumns(results)
  const rows = entries(results).map(([key, model]) => {
    const its = standing(model, results)
    if (its.kind === 'scored') {
      return [
        cell({ code: key }),
        ...columns.map((column, index) => cell(column.value(model), index === 0 ? 'strong' : '')),
      ]
    }
    const verdict = its.kind === 'invalid' ? cell('INVALID', 'bad') : cell('not finished', 'soft')
    return [cell({ code: key }), verdict, ...columns.slice(1).map(() => cell(''))]
  })
  return `<div class="card">${table(['', ...columns.map(({ title }) => title)], rows)}</div>`
}
