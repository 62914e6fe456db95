import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Clock } from '../../clock.ts'
import { LmrunError } from '../../errors.ts'
import { CHECK_PORT } from './firewall.ts'

/**
 * Whether the mesh carries what a service will send: a path that drops large packets lets /health through, and hangs at
 * the first real answer. So each VM that joins sends main a body of many packets, and gets as much back.
 */

/** First of the range that the control plane hands out, and main is the first Node. */
const MAIN_ADDRESS = '10.42.0.0'
/** Bytes: more than the window that a connection begins with. */
const LARGE = 64 * 1024
/** Milliseconds for the first small answer: WireGuard shakes hands, routes come with the Node. */
const REACH_MS = 90_000
/** Milliseconds for a large one, which takes some even across an ocean. */
const LARGE_MS = 15_000
const AGAIN_MS = 1000

/** Answers on main, until the signal aborts: as many bytes as it was sent. */
export async function answerChecks(signal: AbortSignal, host = '0.0.0.0', port = CHECK_PORT): Promise<void> {
  const server = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes = Math.min(bytes + chunk.length, LARGE)
    })
    request.on('end', () => response.end(Buffer.alloc(bytes, '.')))
  })
  server.listen({ host, port, signal })
  await once(server, 'close')
}

export interface PathCheck {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Of main in the mesh. */
  readonly address?: string
  readonly port?: number
}

/** @throws LmrunError when main is not reached through the mesh, or small packets pass alone */
export async function checkPath({ clock, signal, ...where }: PathCheck): Promise<void> {
  const { address = MAIN_ADDRESS, port = CHECK_PORT } = where
  const url = `http://${address}:${port}/`
  const until = clock.now() + REACH_MS
  for (;;) {
    const reached = await carries(url, 1, { signal, ms: 5000 })
    if (reached) break
    if (clock.now() >= until) {
      throw new LmrunError(`this VM has joined, but does not reach main (${address}) through the mesh`, {
        hint: 'Is UDP 51820 open at main and here? docs/mesh.md says how, cloud by cloud.',
      })
    }
    await clock.sleep(AGAIN_MS, signal)
  }
  if (await carries(url, LARGE, { signal, ms: LARGE_MS })) return
  // A lost packet is no black hole.
  if (await carries(url, LARGE, { signal, ms: LARGE_MS })) return
  throw new LmrunError(
    'the mesh carries small packets and drops large ones on the way to main (a black hole)',
    {
      hint: 'Something between here and main has a smaller MTU, and says nothing: join with --mtu 1280, or less.',
    },
  )
}

async function carries(
  url: string,
  bytes: number,
  { signal, ms }: { readonly signal: AbortSignal; readonly ms: number },
): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: Buffer.alloc(bytes, '.'),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ms)]),
    })
    return (await response.arrayBuffer()).byteLength === bytes
  } catch {
    signal.throwIfAborted()
    return false
  }
}
