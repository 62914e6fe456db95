import { markdownTable } from 'markdown-table'
import type { Section } from './cap.ts'
import { COST_EXPLAINED, retryLines, totalCost, VM_TITLES, vmRows } from './costs.ts'
import { entries, outcome } from './digest.ts'
import { block, cell, clip, code, htmlCode, mermaid, prose } from './escape.ts'
import {
  type Fact,
  modelFacts,
  modelsWithSpeed,
  runFacts,
  SPEED_COLUMNS,
  SPEED_EXPLAINED,
  timeline,
} from './facts.ts'
import { type Bounds, text, unbroken } from './inline.ts'
import { plural } from './numbers.ts'
import { problems } from './problems.ts'
import type { FailedQuestion, Results } from './results.ts'

/** What is dropped first when the report is too long has the greatest rank. */
const RANK = {
  warnings: 1,
  retries: 1,
  log: 2,
  speed: 3,
  cost: 3,
  timeline: 4,
  facts: 5,
  questions: 6,
} as const

/** The folded parts, in the order they are shown. */
export function sections(results: Results, bounds: Bounds): readonly Section[] {
  return [
    ...warningsSection(results, bounds),
    ...retriesSection(results, bounds),
    ...logSections(results, bounds),
    ...questionSections(results, bounds),
    ...speedSection(results, bounds),
    ...costSection(results, bounds),
    ...timelineSection(results, bounds),
    factsSection(results, bounds),
  ]
}

/** `summary` is HTML; a blank line after it lets the body be Markdown. */
function folded(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`
}

function warningsSection({ warnings }: Results, { questions, sentence }: Bounds): readonly Section[] {
  if (warnings.length === 0) return []
  const lines = warnings.slice(0, questions).map(warning => `- ${prose(clip(warning, sentence))}`)
  if (warnings.length > questions) lines.push(`- and ${plural(warnings.length - questions, 'more warning')}`)
  const markdown = folded(plural(warnings.length, 'warning'), lines.join('\n'))
  return [{ name: 'warnings', rank: RANK.warnings, markdown }]
}

function retriesSection(results: Results, { questions, sentence }: Bounds): readonly Section[] {
  const all = retryLines(results)
  if (all.length === 0) return []
  const lines = all.slice(0, questions).map(line => `- ${clip(text(line), sentence)}`)
  if (all.length > questions) lines.push(`- and ${plural(all.length - questions, 'more')}`)
  const markdown = folded('What was tried again, and why', lines.join('\n'))
  return [{ name: 'what was tried again', rank: RANK.retries, markdown }]
}

function costSection(results: Results, { models }: Bounds): readonly Section[] {
  const rows = vmRows(results)
  if (rows.length === 0) return []
  const shown = rows
    .slice(0, models)
    .map(([vm = '', role = '', machine = '', ...numbers]) => [
      cell(clip(vm, 80)),
      role,
      cell(clip(machine, 80)),
      ...numbers.map(unbroken),
    ])
  const table = markdownTable([[...VM_TITLES], ...shown], { align: ['l', 'l', 'l', 'r', 'r', 'r'] })
  const more = rows.length > models ? `\n\nand ${plural(rows.length - models, 'more VM')}` : ''
  const markdown = folded(`Cost: ${totalCost(results)}`, `${table}${more}\n\n${COST_EXPLAINED}`)
  return [{ name: 'cost', rank: RANK.cost, markdown }]
}

const LOG_LINES = 30

function logSections(results: Results, { models, text: length }: Bounds): readonly Section[] {
  return problems(results)
    .filter(({ log }) => log.length > 0)
    .slice(0, models)
    .map(({ subject, log }) => {
      const lines = log.slice(-LOG_LINES).map(line => clip(line, length))
      const of = subject === null ? '' : `: ${htmlCode(clip(subject, 80))}`
      return {
        name: 'log lines',
        rank: RANK.log,
        markdown: folded(`Last ${plural(lines.length, 'log line')}${of}`, block(lines.join('\n'))),
      }
    })
}

function questionSections(results: Results, bounds: Bounds): readonly Section[] {
  return entries(results)
    .filter(([, { failedQuestions }]) => failedQuestions.length > 0)
    .slice(0, bounds.models)
    .map(([key, { failedQuestions }]) => {
      const shown = failedQuestions.slice(0, bounds.questions).map(question => questionText(question, bounds))
      const summary = `Questions without full marks: ${htmlCode(clip(key, 80))} (${shown.length} shown)`
      return {
        name: `failed questions of ${clip(key, 80)}`,
        rank: RANK.questions,
        markdown: folded(summary, shown.join('\n\n')),
      }
    })
}

function questionText(question: FailedQuestion, { sentence, text: length }: Bounds): string {
  const place = [code(clip(question.task, 80)), code(clip(question.questionId, 16)), outcome(question)].join(
    ' · ',
  )
  const note = question.note ? `: ${prose(clip(question.note, sentence))}` : ''
  return [
    `**${place}**${note}`,
    ...(question.prompt ? ['', 'Asked:', block(clip(question.prompt, length))] : []),
    ...(question.answer ? ['', 'Replied:', block(clip(question.answer, length))] : []),
  ].join('\n')
}

function speedSection(results: Results, { models }: Bounds): readonly Section[] {
  const all = modelsWithSpeed(results)
  if (all.length === 0) return []
  const isNamed = entries(results).length > 1
  const rows = all
    .slice(0, models)
    .map(([key, speed]) => [
      ...(isNamed ? [cell(clip(key, 80))] : []),
      ...SPEED_COLUMNS.map(column => unbroken(column.value(speed))),
    ])
  const header = [...(isNamed ? [''] : []), ...SPEED_COLUMNS.map(column => column.title)]
  const table = markdownTable([header, ...rows], {
    align: [...(isNamed ? ['l'] : []), ...SPEED_COLUMNS.map(() => 'r')],
  })
  return [{ name: 'speed', rank: RANK.speed, markdown: folded('Speed', `${table}\n\n${SPEED_EXPLAINED}`) }]
}

function timelineSection(results: Results, { models }: Bounds): readonly Section[] {
  const lanes = timeline(results).slice(0, models)
  if (lanes.length === 0) return []
  const lines = lanes.flatMap(({ subject, spans }) => [
    `    section ${mermaid(clip(subject, 60))}`,
    ...spans.map(
      ({ name, from, ms, ok }) =>
        `    ${name} :${ok ? '' : 'crit, '}${clock(from)}, ${Math.max(1, Math.round(ms))}ms`,
    ),
  ])
  // Local times in and out, so that the axis starts at 00:00 in every time zone.
  const gantt = ['gantt', '    dateFormat YYYY-MM-DDTHH:mm:ss.SSS', '    axisFormat %H:%M:%S', ...lines].join(
    '\n',
  )
  return [
    {
      name: 'timeline',
      rank: RANK.timeline,
      markdown: folded('Timeline', `\`\`\`mermaid\n${gantt}\n\`\`\``),
    },
  ]
}

/** Milliseconds as an ISO date and time without a zone, counted from a day that no zone changes its clocks on. */
function clock(ms: number): string {
  return new Date(Date.UTC(2000, 0, 1) + Math.round(ms)).toISOString().slice(0, -1)
}

function factsSection(results: Results, { models }: Bounds): Section {
  const list = (facts: readonly Fact[]) => facts.map(fact => `- ${fact.label}: ${text(fact.text)}`).join('\n')
  const all = entries(results)
  const parts = [
    list(runFacts(results)),
    ...all.slice(0, models).map(([key, model]) => `**${code(clip(key, 80))}**\n\n${list(modelFacts(model))}`),
    ...(all.length > models ? [`and ${plural(all.length - models, 'more model')}`] : []),
  ]
  return {
    name: 'what was run',
    rank: RANK.facts,
    markdown: folded('What was run, to the byte', parts.join('\n\n')),
  }
}
