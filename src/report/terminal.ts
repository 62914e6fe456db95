import { keptText, retryLines } from './costs.ts'
import { context, endCommand, entries, headline, notes, standing, survivors, type Text } from './digest.ts'
import { clip, oneLine, visible } from './escape.ts'
import { type Column, scoreColumns, scoredModels } from './facts.ts'
import { plural } from './numbers.ts'
import { type Problem, problems } from './problems.ts'
import type { Results } from './results.ts'

const LOG_LINES = 10
const LINE = 160

/** The report as a terminal shows it: plain lines, no colours, nothing foreign that a terminal or runner obeys. */
export function renderTerminal(results: Results): string {
  const parts = [
    `${plain(headline(results))}\n${context(results).map(plain).join(' · ')}`,
    notes(results).map(plain).join('\n'),
    scoreLines(results).join('\n'),
    ...problems(results).map(problemLines),
    results.warnings.map(warning => `warning: ${clip(oneLine(warning), LINE * 2)}`).join('\n'),
    retryLines(results).map(plain).join('\n'),
    plain(keptText(results) ?? []),
    survivorLines(results).join('\n'),
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

const plain = (text: Text): string =>
  text.map(piece => (typeof piece === 'string' ? visible(piece) : clip(oneLine(piece.code), LINE))).join('')

function scoreLines(results: Results): readonly string[] {
  if (scoredModels(results).length === 0) return []
  const columns = scoreColumns(results)
  const rows = entries(results).map(([key, model]) => {
    const its = standing(model, results)
    const values =
      its.kind === 'scored'
        ? columns.map(column => column.value(model))
        : [its.kind === 'invalid' ? 'INVALID' : 'not finished']
    return [clip(oneLine(key), 40), ...values]
  })
  return aligned([['', ...columns.map(title)], ...rows])
}

const title = ({ title }: Column) => (typeof title === 'string' ? title : clip(oneLine(title.code), 30))

/** The first column to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)))
  return rows.map(row =>
    row
      .map((value, column) =>
        column === 0 ? value.padEnd(widths[0] ?? 0) : value.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

function problemLines({ subject, what, reasons, cause, advice, log }: Problem): string {
  const say = (words: string) => clip(oneLine(words), LINE * 2)
  return [
    `${subject === null ? 'failed' : clip(oneLine(subject), 40)}: ${say(what)}`,
    ...reasons.slice(0, 5).map(reason => `  - ${say(reason)}`),
    ...(reasons.length > 5 ? [`  - and ${plural(reasons.length - 5, 'more reason')}`] : []),
    ...(cause ? [`  likely cause: ${say(cause)}`] : []),
    ...advice.map(line => `  what to do: ${say(line)}`),
    ...log.slice(-LOG_LINES).map(line => `  | ${clip(oneLine(line), LINE)}`),
  ].join('\n')
}

function survivorLines(results: Results): readonly string[] {
  const left = survivors(results)
  if (left.length === 0) return []
  return [
    `${plural(left.length, 'VM')} may still be running. To end ${left.length === 1 ? 'it' : 'them'}:`,
    ...left.map(vm => `  ${endCommand(vm)}`),
  ]
}
