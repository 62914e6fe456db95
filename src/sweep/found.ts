/** What the sweeper finds, decides on and ends: the words that all of its parts share. */

/** A thing of a run that costs money or is in the way, as its source shows it. */
export interface Found {
  readonly source: SourceName
  readonly kind: 'vm' | 'disk' | 'node'
  /** Unique in its source, and all that is needed to end it. */
  readonly id: string
  readonly name: string
  /** Region or zone; empty where there is none. */
  readonly place: string
  readonly labels: Readonly<Record<string, string>>
  /** Unix milliseconds; null when the source does not say. */
  readonly createdAt: number | null
  /** `idle`: a disk that no VM uses, a Node that is not ready. */
  readonly state: 'up' | 'stopped' | 'idle'
}

export const SOURCES = ['aws', 'gcp', 'sky', 'kubernetes'] as const
export type SourceName = (typeof SOURCES)[number]

/** What could be found, and what kept the rest from it: a region that is refused does not hide the others. */
export interface Finding {
  readonly found: readonly Found[]
  readonly problems: readonly string[]
}

/** A thing that did not end, by its id. */
export type Failures = ReadonlyMap<string, string>

/** Where things are found and ended. Every call ends with its signal. */
export interface SweepSource {
  readonly name: SourceName
  /** All that may be ours: at least what carries our labels. */
  find(signal: AbortSignal): Promise<Finding>
  /** Asks for the end of all; what is gone already counts as ended. Returns those whose end was refused. */
  end(found: readonly Found[], signal: AbortSignal): Promise<Failures>
  /** Which of these are still there, and in what state. */
  remaining(found: readonly Found[], signal: AbortSignal): Promise<Failures>
}
