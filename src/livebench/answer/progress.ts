export interface Counts {
  readonly total: number
  /** All that have an answer, those of earlier sessions included. */
  readonly done: number
  readonly errors: number
  readonly retries: number
  /** Answered in this session, which alone says how fast it goes. */
  readonly session: number
  readonly elapsedMs: number
}

/** `answered 12 of 44 (3.1/s, about 10 s left, 2 errors)` */
export function progressLine({ total, done, errors, retries, session, elapsedMs }: Counts): string {
  const perSecond = elapsedMs > 0 ? (session * 1000) / elapsedMs : 0
  const left = total - done
  const details = [
    perSecond > 0 ? rate(perSecond) : '',
    perSecond > 0 && left > 0 ? `about ${duration(left / perSecond)} left` : '',
    errors > 0 ? plural(errors, 'error') : '',
    retries > 0 ? plural(retries, 'retry', 'retries') : '',
  ].filter(Boolean)
  return `answered ${done} of ${total}${details.length > 0 ? ` (${details.join(', ')})` : ''}`
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

function rate(perSecond: number): string {
  if (perSecond >= 10) return `${Math.round(perSecond)}/s`
  return perSecond >= 0.1 ? `${perSecond.toFixed(1)}/s` : `${(perSecond * 60).toFixed(1)}/min`
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** Says how far it is: at most once a second while answers come in, and once at the end. */
export class ProgressLog {
  readonly #log: (line: string) => void
  #last = 0

  constructor(log: (line: string) => void) {
    this.#log = log
  }

  update(counts: Counts): void {
    if (counts.elapsedMs - this.#last < 1000) return
    this.#last = counts.elapsedMs
    this.#log(progressLine(counts))
  }

  end(counts: Counts): void {
    this.#log(progressLine(counts))
  }
}
