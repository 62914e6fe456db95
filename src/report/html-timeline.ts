import { clip, html, oneLine } from './escape.ts'
import { type Lane, type Span, spanWords } from './facts.ts'
import { duration } from './numbers.ts'

const WIDTH = 960
const LABELS = 150
const ROW = 34
const BAR = 20
const AXIS = 24
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400].map(
  s => s * 1000,
)

/** The phases of a run as inline SVG: a lane a subject, a bar a phase, time from the start of the run. */
export function timelineSvg(lanes: readonly Lane[]): string {
  const end = Math.max(1, ...lanes.flatMap(({ spans }) => spans.map(({ from, ms }) => from + ms)))
  const x = (ms: number) => LABELS + (ms / end) * (WIDTH - LABELS - 14)
  const height = lanes.length * ROW + AXIS
  const parts = [
    ...ticks(end).map(ms => tick(ms, x(ms), height)),
    ...lanes.map((lane, row) => laneSvg(lane, row, x)),
  ]
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Phases of the run over time">${parts.join('')}</svg>`
}

/** Round times, at most eight of them. */
function ticks(end: number): readonly number[] {
  const step = STEPS.find(ms => end / ms <= 8) ?? Math.ceil(end / 8)
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step)
}

function tick(ms: number, x: number, height: number): string {
  const label = ms === 0 ? '0' : duration(ms)
  const line = `<line class="grid" x1="${fixed(x)}" y1="0" x2="${fixed(x)}" y2="${height - AXIS}"/>`
  return `${line}<text x="${fixed(x)}" y="${height - 6}" text-anchor="${x > WIDTH - 40 ? 'end' : 'middle'}">${label}</text>`
}

function laneSvg({ subject, spans }: Lane, row: number, x: (ms: number) => number): string {
  const top = row * ROW
  const label = `<text class="lane" x="0" y="${top + 21}">${html(clip(oneLine(subject), 19))}</text>`
  return label + spans.map(span => barSvg(span, top + (ROW - BAR) / 2, x)).join('')
}

function barSvg(span: Span, y: number, x: (ms: number) => number): string {
  const left = x(span.from)
  const width = Math.max(2, x(span.from + span.ms) - left - 1) // a hair of room between neighbours
  const hasRoom = width > span.name.length * 7 + 14
  const rect = `<rect x="${fixed(left)}" y="${y}" width="${fixed(width)}" height="${BAR}" rx="${Math.min(4, width / 2)}" style="fill:var(--${span.name})"${span.ok ? '' : ' class="failed"'}/>`
  const label = hasRoom ? `<text class="in" x="${fixed(left + 8)}" y="${y + 14.5}">${span.name}</text>` : ''
  return `<g><title>${spanWords(span)}</title>${rect}${label}</g>`
}

const fixed = (value: number) => value.toFixed(1)
