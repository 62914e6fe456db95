import { columns } from '../columns.ts'
import { countOutcomes, type SweepReport, type SweepRow } from './sweep.ts'

/** A sweep as a terminal and a job summary show it. Pure. */

const OUTCOME: Readonly<Record<SweepRow['outcome'], string>> = {
  ended: 'ended',
  'would-end': 'would end',
  left: 'left',
  failed: 'NOT ENDED',
}
const HEADINGS = ['Outcome', 'What', 'Name', 'Where', 'Run', 'Why'] as const

export function terminalTable(report: SweepReport): string {
  const rows = [
    HEADINGS.map(heading => heading.toUpperCase()),
    ...report.rows.map(row => cells(row).map(plain)),
  ]
  const table = report.rows.length > 0 ? columns(rows) : ''
  return `${table}${[...report.problems.map(plain), total(report)].join('\n')}\n`
}

export function markdownTable(report: SweepReport): string {
  const row = (items: readonly string[]) => `| ${items.join(' | ')} |`
  const table = [
    row(HEADINGS),
    row(HEADINGS.map(() => '---')),
    ...report.rows.map(one => row(cells(one).map(markdown))),
    '',
  ]
  const problems = report.problems.map(problem => `- **Not looked at:** ${markdown(problem)}`)
  return [
    '### lmrun sweep',
    '',
    total(report),
    '',
    ...(report.rows.length > 0 ? table : []),
    ...(problems.length > 0 ? [...problems, ''] : []),
  ].join('\n')
}

function total(report: SweepReport): string {
  const { ended, left, failed } = countOutcomes(report)
  const wouldEnd = report.rows.filter(({ outcome }) => outcome === 'would-end').length
  const done = report.dryRun ? `dry run: ${wouldEnd} would be ended` : `${ended} ended`
  const parts = [done, `${left - wouldEnd} left`, `${failed} not ended`]
  if (report.foreign > 0) parts.push(`${report.foreign} of others not touched`)
  return parts.join(' · ')
}

function cells({ outcome, source, kind, name, place, run, attempt, reason }: SweepRow): string[] {
  const ran = attempt === '' || attempt === '1' ? run : `${run} (attempt ${attempt})`
  return [OUTCOME[outcome], `${source} ${kind}`, name, place, ran, reason]
}

/** Names and reasons come from clouds: no control characters, one line. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
}

function markdown(text: string): string {
  return plain(text).replace(/[\\`*_{}[\]<>|#@~]/g, character => `&#${character.codePointAt(0)};`)
}
