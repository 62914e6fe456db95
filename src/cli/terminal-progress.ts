import type { WriteStream } from 'node:tty'
import { formatSeconds, type Progress } from '../progress.ts'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const REDRAW_MS = 100

interface Active {
  readonly phase: string
  readonly since: number
  text: string
}

/** A line for each thing under way, redrawn in place; what is done scrolls up above them. */
export function terminalProgress(stream: WriteStream): Progress {
  const active = new Map<string, Active>()
  let drawn = 0
  let frame = 0

  const clear = () => {
    if (drawn > 0) stream.write(`\x1b[${drawn}A\x1b[J`)
    drawn = 0
  }
  const draw = () => {
    const lines = [...active].map(([subject, { phase, since, text }]) => {
      const spinner = FRAMES[frame % FRAMES.length]
      return `${spinner} ${subject.split('\0')[0]}  ${phase}  ${formatSeconds(Date.now() - since)}  ${text}`
    })
    for (const line of lines) stream.write(`${line.slice(0, stream.columns - 1)}\n`)
    drawn = lines.length
  }
  const redraw = () => {
    clear()
    frame++
    draw()
  }
  const print = (line: string) => {
    clear()
    stream.write(`${line}\n`)
    draw()
  }
  const timer = setInterval(redraw, REDRAW_MS)
  timer.unref()

  return {
    start: (subject, phase) => void active.set(key(subject, phase), { phase, since: Date.now(), text: '' }),
    update(subject, text) {
      for (const [name, entry] of active) if (name.startsWith(`${subject}\0`)) entry.text = text
    },
    end({ subject, name, startedAt, endedAt, ok }) {
      active.delete(key(subject, name))
      print(`${ok ? '✓' : '✗'} ${subject}  ${name}  ${formatSeconds(endedAt - startedAt)}`)
    },
    warn: text => print(`! ${text}`),
  }
}

/** A subject may be in two phases at once: its server is released while its answers are graded. */
function key(subject: string, phase: string): string {
  return `${subject}\0${phase}`
}
