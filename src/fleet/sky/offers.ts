import { stripVTControlCharacters } from 'node:util'

/** A row of the table that SkyPilot prints before it launches, and in a dry run. */
export interface SkyOffer {
  /** `AWS (us-east-1)`. */
  readonly infra: string
  /** `-` where there are none, as on Slurm. */
  readonly instance: string
  readonly accelerators: string
  /** Null where it is not known. */
  readonly vcpus: number | null
  /** USD an hour. */
  readonly hourly: number
  readonly spot: boolean
  readonly chosen: boolean
}

/** Source: sky/optimizer.py, print_optimized_plan. Empty when there is no table. */
export function readOffers(stdout: string): SkyOffer[] {
  const lines = stripVTControlCharacters(stdout).split('\n')
  const header = lines.findIndex(line => /^\s*INFRA\s+INSTANCE\s/.test(line))
  const titles = lines[header]
  if (titles === undefined) return []
  const rows = lines.slice(header + 2)
  const end = rows.findIndex(line => /^-+$/.test(line.trim()))
  return rows.slice(0, Math.max(0, end)).flatMap(row => offerOf(row, titles) ?? [])
}

/** Columns are two spaces apart or more; cells hold single ones. The mark of the chosen row may be missing. */
function offerOf(row: string, titles: string): SkyOffer | null {
  const names = cells(titles)
  const values = cells(row)
  const at = (title: string) => values[names.indexOf(title)] ?? ''
  const hourly = Number.parseFloat(at('COST ($)'))
  if (Number.isNaN(hourly)) return null
  const infra = at('INFRA')
  return {
    infra,
    instance: at('INSTANCE').replace(/\[spot\]/i, ''),
    accelerators: at('GPUS'),
    vcpus: Number.parseFloat(at('vCPUs')) || null,
    hourly,
    spot: /\[spot\]/i.test(`${infra}${at('INSTANCE')}`),
    chosen: /✔/.test(row),
  }
}

function cells(row: string): string[] {
  return row.trim().split(/ {2,}/)
}
