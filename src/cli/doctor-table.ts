import type { Offer, PreflightCheck } from '../fleet/fleet.ts'
import { estimate } from '../fleet/sky/preflight/budget.ts'
import { oneLine } from '../report/escape.ts'

export interface Findings {
  readonly machine: readonly PreflightCheck[]
  readonly checks: readonly PreflightCheck[]
  readonly offers: readonly Offer[]
  /** Names of the VMs that the run would launch. */
  readonly vms: readonly string[]
  /** The run's limit and the time to end it. */
  readonly minutes: number
}

export interface Looks {
  readonly colours: boolean
  /** Columns of the terminal. */
  readonly width: number
}

const MARKS = {
  ok: { mark: '✓', colour: 32 },
  warning: { mark: '!', colour: 33 },
  failed: { mark: '✗', colour: 31 },
  unknown: { mark: '?', colour: 36 },
} as const
const DIM = 2
const BOLD = 1
const WIDEST_NAME = 40

/** What `lmrun doctor` shows: a mark, what was looked at, what was found, and below it what to do. */
export function renderFindings(findings: Findings, looks: Looks): string {
  const { machine, checks, offers } = findings
  const all = [...machine, ...checks]
  const column = Math.min(WIDEST_NAME, Math.max(0, ...all.map(({ what }) => what.length)))
  const section = (title: string, list: readonly PreflightCheck[]) =>
    list.length === 0
      ? []
      : [[paint(title, BOLD, looks), ...list.flatMap(check => lines(check, column, looks))].join('\n')]
  const parts = [
    ...section('This machine', machine),
    ...section('The run', checks),
    ...(offers.length === 0 ? [] : [[paint('Price', BOLD, looks), ...prices(findings, column)].join('\n')]),
    verdict(all, looks),
  ]
  return `${parts.join('\n\n')}\n`
}

function lines(
  { what, status, detail, hint }: PreflightCheck,
  column: number,
  looks: Looks,
): readonly string[] {
  const { mark, colour } = MARKS[status]
  const indent = ' '.repeat(column + 6)
  const room = Math.max(30, looks.width - indent.length)
  const [first = '', ...rest] = wrap(oneLine(detail), room)
  return [
    `  ${paint(mark, colour, looks)} ${oneLine(what).padEnd(column)}  ${first}`,
    ...rest.map(line => `${indent}${line}`),
    ...(hint ? wrap(`→ ${oneLine(hint)}`, room).map(line => `${indent}${paint(line, DIM, looks)}`) : []),
  ]
}

function prices({ offers, vms, minutes }: Findings, column: number): readonly string[] {
  const { hourly, total, unknown } = estimate(vms, offers, minutes)
  const row = (name: string, usd: number, words: string) =>
    `    ${oneLine(name).padEnd(column)}  ${dollars(usd).padStart(9)}  ${oneLine(words)}`
  const without = unknown.length === 0 ? '' : `, without ${unknown.join(', ')}`
  return [
    ...offers.map(({ vm, hourly, what, spot }) => row(vm, hourly, `an hour, ${what}${spot ? ', spot' : ''}`)),
    row('together', hourly, `an hour${without}`),
    row('at the most', total, `for ${minutes} minutes: the run's limit, and ending it`),
  ]
}

function verdict(all: readonly PreflightCheck[], looks: Looks): string {
  const failed = all.filter(({ status }) => status === 'failed').length
  if (failed === 0) return paint('A run may start.', MARKS.ok.colour, looks)
  return paint(`A run would be refused: ${failed} ✗ above.`, MARKS.failed.colour, looks)
}

/** Breaks between words; a word that is too long keeps a line of its own. */
export function wrap(text: string, width: number): readonly string[] {
  const wrapped: string[] = []
  for (const word of text.split(' ').filter(Boolean)) {
    const last = wrapped.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      wrapped[wrapped.length - 1] = `${last} ${word}`
    else wrapped.push(word)
  }
  return wrapped
}

const dollars = (usd: number) => `$${usd.toFixed(2)}`

function paint(text: string, code: number, { colours }: Looks): string {
  return colours ? `\x1b[${code}m${text}\x1b[0m` : text
}
