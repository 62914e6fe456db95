/** Who ended a VM. `cloud`: it was taken back. */
export type Ender = 'finally' | 'post' | 'lease' | 'shutdown' | 'sweeper' | 'cloud' | 'other'

/** What one VM cost, whoever knew of it. Times are Unix milliseconds. */
export interface LedgerEntry {
  readonly name: string
  readonly gpu: boolean
  readonly spot: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly billedFrom: number
  billedTo: number | null
  endedBy: Ender | null
}

/** The cloud's own books: every machine there ever was. */
export class Ledger {
  readonly entries: LedgerEntry[] = []

  open(entry: Omit<LedgerEntry, 'billedTo' | 'endedBy'>): LedgerEntry {
    const opened: LedgerEntry = { ...entry, billedTo: null, endedBy: null }
    this.entries.push(opened)
    return opened
  }

  alive(): readonly LedgerEntry[] {
    return this.entries.filter(entry => entry.billedTo === null)
  }

  /** Billed until `now` for what still runs. */
  seconds(of: (entry: LedgerEntry) => boolean, now: number): number {
    const ms = this.entries
      .filter(of)
      .reduce((sum, entry) => sum + (entry.billedTo ?? now) - entry.billedFrom, 0)
    return ms / 1000
  }
}
