import { isIPv4 } from 'node:net'

/** IPv4 ranges, as text in CIDR notation (`10.64.0.0/16`) and as numbers. */

export interface Range {
  /** Numbers of the first and the last address. */
  readonly first: number
  readonly last: number
  /** Length of the prefix, 0 to 32. */
  readonly bits: number
}

export const ANYWHERE = '0.0.0.0/0'

const SPACE = 2 ** 32
/** RFC 1918 and RFC 6598: what a VPC may have. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10']

/** Null for what is no CIDR, also when bits are set behind the prefix: `10.64.1.0/16`. */
export function readCidr(text: string): Range | null {
  const [, address = '', length = ''] = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text) ?? []
  if (!isIPv4(address)) return null
  const first = address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0)
  const bits = Number(length)
  const size = SPACE / 2 ** bits
  return first % size === 0 ? { first, last: first + size - 1, bits } : null
}

/** @throws TypeError for what is no CIDR: these are checked where they come in */
function toRange(cidr: string): Range {
  const range = readCidr(cidr)
  if (!range) throw new TypeError(`"${cidr}" is no CIDR`)
  return range
}

export function overlaps(a: string, b: string): boolean {
  const [one, other] = [toRange(a), toRange(b)]
  return one.first <= other.last && other.first <= one.last
}

export function isWithin(inner: string, outer: string): boolean {
  const [one, other] = [toRange(inner), toRange(outer)]
  return other.first <= one.first && one.last <= other.last
}

export function isPrivate(cidr: string): boolean {
  return PRIVATE.some(range => isWithin(cidr, range))
}

/** The `index`th part of that length: `subnet('10.64.0.0/16', { bits: 19, index: 1 })` is `10.64.32.0/19`. */
export function subnet(
  cidr: string,
  { bits, index }: { readonly bits: number; readonly index: number },
): string {
  const address = toRange(cidr).first + index * (SPACE / 2 ** bits)
  const octets = [24, 16, 8, 0].map(shift => Math.floor(address / 2 ** shift) % 256)
  return `${octets.join('.')}/${bits}`
}
