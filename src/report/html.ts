import { COST_EXPLAINED, keptText, retryLines, totalCost, VM_TITLES, vmRows } from './costs.ts'
import {
  context,
  endCommand,
  entries,
  headline,
  isSmoke,
  notes,
  runLink,
  standing,
  survivors,
} from './digest.ts'
import { html } from './escape.ts'
import {
  type Fact,
  modelFacts,
  modelsWithSpeed,
  runFacts,
  SPEED_COLUMNS,
  SPEED_EXPLAINED,
  scoredModels,
  timeline,
} from './facts.ts'
import { cell, inline, pre, table } from './html-parts.ts'
import { failedQuestions } from './html-questions.ts'
import { modelCards, scoreTable } from './html-scores.ts'
import { STYLE } from './html-style.ts'
import { timelineSvg } from './html-timeline.ts'
import { plural } from './numbers.ts'
import { type Problem, problems } from './problems.ts'
import type { Results } from './results.ts'

/** No script, no font, no request: whatever a model wrote stays text. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 14V8h3v6zm4.5 0V5h3v9zM11 14V2h3v12z' fill='%233157d5'/%3E%3C/svg%3E"

/** The report as one self-contained page, without scripts. */
export function renderHtml(results: Results): string {
  const title = html(
    headline(results)
      .map(piece => (typeof piece === 'string' ? piece : piece.code))
      .join(''),
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="${ICON}">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${sections(results).filter(Boolean).join('\n')}
</main>
</body>
</html>
`
}

function sections(results: Results): readonly string[] {
  return [
    header(results),
    survivorsBox(results),
    keptBox(results),
    notesBox(results),
    modelCards(results),
    ...problems(results).map(problemBox),
    section(
      'Scores',
      entries(results).length > 1 && scoredModels(results).length > 0 ? scoreTable(results) : '',
    ),
    section(plural(results.warnings.length, 'warning'), warningsList(results)),
    section('What was tried again, and why', retriesList(results)),
    section('Timeline', timelineCard(results)),
    section('Speed', speedTable(results)),
    section(`Cost: ${totalCost(results)}`, costTable(results)),
    failedQuestions(results),
    section('What was run, to the byte', facts(results)),
    footer(results),
  ]
}

const section = (title: string, body: string) =>
  body === '' ? '' : `<section><h2>${title}</h2>${body}</section>`

function header(results: Results): string {
  const { tone, word } = status(results)
  const chips = context(results).map(text => `<li>${inline(text)}</li>`)
  const started = `${new Date(results.run.startedAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return `<header><div class="top"><span class="pill ${tone}">${word}</span><span>${started}</span></div>
<h1>${inline(headline(results))}</h1><ul class="chips">${chips.join('')}</ul></header>`
}

function status(results: Results): { readonly tone: string; readonly word: string } {
  if (results.run.status !== 'completed') return { tone: 'bad', word: results.run.status }
  const isWhole = entries(results).every(([, model]) => standing(model, results).kind === 'scored')
  if (!isWhole) return { tone: 'bad', word: 'invalid' }
  return isSmoke(results) ? { tone: 'warn', word: 'smoke test' } : { tone: 'good', word: 'completed' }
}

function notesBox(results: Results): string {
  const all = notes(results).map(note => `<p>${inline(note)}</p>`)
  return all.length === 0 ? '' : `<div class="box warn">${all.join('')}</div>`
}

function survivorsBox(results: Results): string {
  const left = survivors(results)
  if (left.length === 0) return ''
  const title = `${plural(left.length, 'VM')} may still be running. ${left.length === 1 ? 'End it' : 'End them'} with:`
  return `<div class="box bad"><p>${title}</p>${pre(left.map(endCommand).join('\n'))}</div>`
}

function keptBox(results: Results): string {
  const kept = keptText(results)
  return kept ? `<div class="box warn"><p>${inline(kept)}</p></div>` : ''
}

function retriesList(results: Results): string {
  const lines = retryLines(results).map(line => `<li>${inline(line)}</li>`)
  return lines.length === 0 ? '' : `<div class="card"><ul>${lines.join('')}</ul></div>`
}

function costTable(results: Results): string {
  const rows = vmRows(results).map(([vm = '', ...rest]) => [
    cell({ code: vm }),
    ...rest.map(value => cell(value)),
  ])
  if (rows.length === 0) return ''
  return `<div class="card">${table([...VM_TITLES], rows)}<p class="soft">${COST_EXPLAINED}</p></div>`
}

function problemBox({ subject, what, reasons, cause, advice, log }: Problem): string {
  const title = subject === null ? 'The run failed' : `<code>${html(subject)}</code>`
  const items = [
    ...reasons.map(reason => inline([reason])),
    ...(cause ? [`Likely cause: ${inline([cause])}`] : []),
    ...advice.map(line => `<b>What to do:</b> ${inline([line])}`),
  ]
  const list = items.length > 0 ? `<ul>${items.map(item => `<li>${item}</li>`).join('')}</ul>` : ''
  const lines =
    log.length > 0
      ? `<details><summary>Last ${plural(log.length, 'log line')}</summary>${pre(log.join('\n'))}</details>`
      : ''
  return `<div class="box bad"><p>${title}: ${inline([what])}</p>${list}${lines}</div>`
}

function warningsList({ warnings }: Results): string {
  if (warnings.length === 0) return ''
  return `<div class="box warn"><ul>${warnings.map(warning => `<li>${inline([warning])}</li>`).join('')}</ul></div>`
}

function timelineCard(results: Results): string {
  const lanes = timeline(results)
  if (lanes.length === 0) return ''
  const names = [...new Set(lanes.flatMap(({ spans }) => spans.map(({ name }) => name)))]
  const legend = names.map(name => `<span><i style="background:var(--${name})"></i>${name}</span>`).join('')
  return `<div class="card"><div class="scroll">${timelineSvg(lanes)}</div><div class="legend">${legend}</div></div>`
}

function speedTable(results: Results): string {
  const rows = modelsWithSpeed(results).map(([key, speed]) => [
    cell({ code: key }),
    ...SPEED_COLUMNS.map(column => cell(column.value(speed))),
  ])
  if (rows.length === 0) return ''
  return `<div class="card">${table(['', ...SPEED_COLUMNS.map(({ title }) => title)], rows)}<p class="soft">${SPEED_EXPLAINED}</p></div>`
}

function facts(results: Results): string {
  const list = (all: readonly Fact[]) =>
    `<dl>${all.map(({ label, text }) => `<dt>${html(label)}</dt><dd>${inline(text)}</dd>`).join('')}</dl>`
  const models = entries(results).map(
    ([key, model]) => `<h3><code>${html(key)}</code></h3>${list(modelFacts(model))}`,
  )
  return `<div class="card">${list(runFacts(results))}${models.join('')}</div>`
}

function footer(results: Results): string {
  const url = runLink(results)
  const link = url ? ` · <a href="${html(url)}" rel="noreferrer">workflow run</a>` : ''
  return `<footer>LMRun ${html(results.run.lmrun)} · every number is in results.json${link}</footer>`
}
