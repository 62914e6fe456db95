import { markdownTable } from 'markdown-table'
import { joinWithin } from './cap.ts'
import { keptText } from './costs.ts'
import { context, endCommand, entries, headline, notes, runLink, standing, survivors } from './digest.ts'
import { block, cell, clip, code, prose } from './escape.ts'
import { scoreColumns, scoredModels } from './facts.ts'
import { type Bounds, tableTitle, text, unbroken } from './inline.ts'
import { plural, score } from './numbers.ts'
import { type Problem, problems } from './problems.ts'
import type { Results } from './results.ts'
import { sections } from './sections.ts'

/** GitHub refuses a comment of 65,536 characters; the rest is room for the marker and what else a poster adds. */
export const COMMENT_LIMIT = 65_000

export interface ReportOptions {
  /** Most bytes of the report; by default what fits a comment. `Infinity` leaves nothing out. */
  readonly limit?: number
}

const WHOLE: Bounds = { models: Infinity, questions: Infinity, reasons: 100, sentence: 2000, text: 20_000 }
const SHORT: Bounds = { models: 40, questions: 10, reasons: 5, sentence: 600, text: 600 }

/**
 * The report as GitHub Markdown, for the comment (the default limit), the job summary and report.md (no limit).
 * What does not fit is dropped in this order: answers of failed questions, what was run, the timeline, speed,
 * cost, log lines, warnings; a pointer then says where the full report is.
 */
export function renderReport(results: Results, { limit = COMMENT_LIMIT }: ReportOptions = {}): string {
  const bounds = limit > COMMENT_LIMIT ? WHOLE : SHORT
  const title = `### ${text(headline(results))}`
  const kept = keptText(results)
  const opening = join([title, contextLine(results), survivorsAlert(results, bounds), kept ? text(kept) : ''])
  const heads = [
    join([opening, notesLines(results, bounds), scoreTable(results, bounds), problemLines(results, bounds)]),
    join([opening, notesLines(results, bounds)]),
    join([
      title,
      survivors(results).length > 0 ? '**Some VMs may still be running:** `lmrun ls` lists them.' : '',
    ]),
  ]
  return joinWithin(
    { heads, sections: sections(results, bounds), foot: dropped => foot(results, dropped) },
    limit,
  )
}

const join = (parts: readonly string[]) => parts.filter(Boolean).join('\n\n')

const contextLine = (results: Results) => context(results).map(text).join(' · ')

function notesLines(results: Results, bounds: Bounds): string {
  return notes(results)
    .slice(0, bounds.models)
    .map(note => `> ${text(note)}`)
    .join('\n>\n')
}

function survivorsAlert(results: Results, { models }: Bounds): string {
  const left = survivors(results)
  if (left.length === 0) return ''
  const commands = left.slice(0, models).map(vm => clip(endCommand(vm), 500))
  const more =
    left.length > models ? [`and ${plural(left.length - models, 'more VM')}: \`lmrun ls\` lists them`] : []
  const alert = [
    `**${plural(left.length, 'VM')} may still be running.** ${left.length === 1 ? 'End it' : 'End them'} with:`,
    block(commands.join('\n'), 'sh'),
    ...more,
  ].join('\n')
  return `> [!CAUTION]\n${alert.replace(/^/gm, '> ')}`
}

/** Models × measures. A model without a valid score has a row that says so, and no number in it. */
function scoreTable(results: Results, { models }: Bounds): string {
  const all = entries(results)
  if (scoredModels(results).length === 0 && all.length < 2) return ''
  const columns = scoreColumns(results)
  const rows = all.slice(0, models).map(([key, model]) => {
    const its = standing(model, results)
    if (its.kind === 'scored')
      return [
        cell(clip(key, 80)),
        `**${score(its.average)}**`,
        ...columns.slice(1).map(column => unbroken(column.value(model))),
      ]
    return [
      cell(clip(key, 80)),
      its.kind === 'invalid' ? '**INVALID**' : 'not finished',
      ...columns.slice(1).map(() => ''),
    ]
  })
  const header = ['', ...columns.map(column => tableTitle(column.title))]
  const named = all.length > 1 ? [header, ...rows] : [header, ...rows].map(row => row.slice(1))
  const table = markdownTable(named, { align: [...(all.length > 1 ? ['l'] : []), ...columns.map(() => 'r')] })
  return all.length > models ? `${table}\n\nand ${plural(all.length - models, 'more model')}` : table
}

function problemLines(results: Results, bounds: Bounds): string {
  const all = problems(results)
  const shown = all.slice(0, bounds.models / 4).map(problem => problemText(problem, bounds))
  const more = all.length > shown.length ? [`and ${plural(all.length - shown.length, 'more problem')}`] : []
  return [...shown, ...more].join('\n\n')
}

function problemText(problem: Problem, { reasons, sentence }: Bounds): string {
  const say = (words: string) => prose(clip(words, sentence))
  const title = problem.subject === null ? '**What failed:** ' : `**${code(clip(problem.subject, 80))}:** `
  const more = problem.reasons.length - reasons
  const lines = [
    ...problem.reasons.slice(0, reasons).map(reason => `- ${say(reason)}`),
    ...(more > 0 ? [`- and ${plural(more, 'more reason')}`] : []),
    ...(problem.cause ? [`- Likely cause: ${say(problem.cause)}`] : []),
    ...problem.advice.map(advice => `- **What to do:** ${say(advice)}`),
  ]
  return [title + say(problem.what), ...(lines.length > 0 ? ['', ...lines] : [])].join('\n')
}

function foot(results: Results, dropped: readonly string[]): string {
  const url = runLink(results)
  const where = url ? `[summary and artifact of the run](${url})` : 'job summary and in report.html'
  const pointer = `Left out to fit: ${prose(dropped.join(', '))}. The full report is in the ${where}.`
  const version = `LMRun ${prose(clip(results.run.lmrun, 40))}`
  if (dropped.length > 0) return `${pointer}\n\n<sub>${version}</sub>`
  return `<sub>${url ? `[Full report](${url}) · ` : ''}${version}</sub>`
}
