import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import { LmrunError } from '../errors.ts'

export interface OwnNetwork {
  /** The interface with the default route. */
  readonly interface: string
  /** Its IPv4 address. */
  readonly address: string
  /** Bytes. */
  readonly mtu: number
}

/** @throws LmrunError when this VM has no default route over IPv4 */
export async function readOwnNetwork(root: string): Promise<OwnNetwork> {
  const name = defaultInterface(await readFile(path.join(root, 'proc/net/route'), 'utf8'))
  const address = name && networkInterfaces()[name]?.find(({ family }) => family === 'IPv4')?.address
  if (!name || !address) {
    throw new LmrunError('this VM has no default route over IPv4', { hint: 'Look at `ip route`.' })
  }
  const mtu = Number(await readFile(path.join(root, 'sys/class/net', name, 'mtu'), 'utf8'))
  return { interface: name, address, mtu }
}

/** @param mtu of the narrowest path, where that is known to be less */
export function withMtu(network: OwnNetwork, mtu: number | null): OwnNetwork {
  return mtu === null ? network : { ...network, mtu: Math.min(network.mtu, mtu) }
}

/** Of /proc/net/route's lines the one to 0.0.0.0/0 with the lowest metric; null when there is none. */
export function defaultInterface(routes: string): string | null {
  const [best] = routes
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')
    .sort((a, b) => Number(a[6]) - Number(b[6]))
  return best?.[0] ?? null
}

/** Not to be reached from everywhere: private, shared by a carrier, link-local, loopback. RFC 6890. */
export function isPrivate(address: string): boolean {
  const [a = 0, b = 0] = address.split('.').map(Number)
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b < 128)
  )
}
