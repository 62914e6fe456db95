/** How numbers are written in reports. All pure, all in English. */

/** A score from 0 to 100: `58.6`. */
export const score = (value: number): string => value.toFixed(1)

/** A share from 0 to 1: `33 %`. */
export const percent = (share: number): string => `${Math.round(share * 100)} %`

/** Seconds to first token: `0.31 s`, `12.4 s`. */
export const seconds = (value: number): string => `${value.toFixed(value < 9.995 ? 2 : 1)} s`

/** Tokens per second: whole from 10 on. */
export const rate = (value: number): string => (value < 9.95 ? value.toFixed(1) : whole(value))

/** US dollars: `$0.31`, `$1,204`; what is less than a cent is not nothing. */
export function dollars(value: number): string {
  if (value > 0 && value < 0.01) return '<$0.01'
  return value < 1000 ? `$${value.toFixed(2)}` : `$${whole(value)}`
}

/** A whole number with separators: `12,345`. */
export const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

/** `1 question`, `40 questions`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`
}

/** A span of time as people say it: `0.4 s`, `41 s`, `3 min 20 s`, `14 min`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`
  const total = Math.round(ms / 1000)
  if (total < 60) return `${total} s`
  if (total < 600) return joinUnits(Math.floor(total / 60), 'min', total % 60, 's')
  const minutes = Math.round(total / 60)
  return minutes < 60 ? `${minutes} min` : joinUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}
