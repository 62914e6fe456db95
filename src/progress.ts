import type { Phase } from './report/results.ts'

/** What a run tells while it goes on; a terminal and a log show it differently. */
export interface Progress {
  start(subject: string, phase: Phase['name']): void
  /** How far the phase is, as its own job says it: `answered 12 of 44 (3.1/s, about 10 s left)`. */
  update(subject: string, text: string): void
  end(phase: Phase): void
  warn(text: string): void
}

/** Milliseconds between two progress lines of one subject, so that a log stays readable. */
const UPDATE_EVERY_MS = 5000

/** One line an event: for logs, files and pipes. */
export function plainProgress(write: (line: string) => void, warn: (text: string) => void): Progress {
  const lastUpdate = new Map<string, number>()
  return {
    start: (subject, phase) => write(`${subject}: ${phase} …`),
    update(subject, text) {
      const now = Date.now()
      if (now - (lastUpdate.get(subject) ?? 0) < UPDATE_EVERY_MS) return
      lastUpdate.set(subject, now)
      write(`${subject}: ${text}`)
    },
    end: ({ subject, name, startedAt, endedAt, ok }) =>
      write(`${subject}: ${name} ${ok ? 'done' : 'failed'} in ${formatSeconds(endedAt - startedAt)}`),
    warn,
  }
}

export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
