import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Clock } from '../../../clock.ts'
import type { Tunnel } from '../../fleet.ts'
import { Unreachable } from '../types.ts'
import type { Connections } from './connection.ts'

const HOST = '127.0.0.1'
/** Milliseconds until a tunnel that broke is made anew. */
const AGAIN_MS = 1000
/** Milliseconds until it must stand for the first time. */
const OPEN_MS = 2 * 60_000

export interface TunnelOptions {
  readonly vm: string
  /** Of the VM's own loopback. */
  readonly port: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Keeps a port of this machine leading to one of the VM, and made anew when it breaks, until it is disposed of or the
 * VM is left.
 * @throws Unreachable when it does not stand after some minutes
 */
export async function openTunnel(
  connections: Connections,
  { vm, port, clock, signal }: TunnelOptions,
): Promise<Tunnel> {
  const local = await freePort()
  const forward = ['-o', 'ExitOnForwardFailure=yes', '-L', `${HOST}:${local}:${HOST}:${port}`]
  const disposed = new AbortController()
  const over = AbortSignal.any([disposed.signal, connections.left(vm)])
  const { promise: open, resolve } = Promise.withResolvers<void>()
  const kept = again(() => connections.hold(vm, forward, { signal: over, onOutput: resolve }), {
    clock,
    signal: over,
  })
  const either = AbortSignal.any([signal, over, clock.timeout(OPEN_MS)])
  const tooLate = once(either, 'abort').then(() => {
    signal.throwIfAborted()
    throw new Unreachable(vm)
  })
  try {
    await Promise.race([open, tooLate])
  } catch (error) {
    disposed.abort()
    throw error
  }
  tooLate.catch(() => {})
  const dispose = async () => {
    disposed.abort()
    await kept
  }
  return { host: HOST, port: local, [Symbol.asyncDispose]: dispose }
}

/** Resolves when the signal aborts. */
async function again(
  work: () => Promise<void>,
  { clock, signal }: Pick<TunnelOptions, 'clock' | 'signal'>,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(() => {}) // as if it had ended: ssh may be missing, or its alias not there yet
    await clock.sleep(AGAIN_MS, signal).catch(() => {})
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
