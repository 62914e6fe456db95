import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { realpathSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { LmrunError } from '../errors.ts'

const WAIT_MS = 60_000
const RETRY_MS = 5

/**
 * Does something in a folder while no other process of this machine does (two models may be graded side by side, and
 * their judgments share files). The lock is an abstract socket's name, which the kernel frees when its process dies:
 * no lock file can be left behind. Only Linux has them; elsewhere there is no lock.
 * @throws LmrunError when the lock was not free in time
 */
export async function withLock<T>(folder: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (process.platform !== 'linux') return await work()
  const server = await acquire(folder, signal)
  try {
    return await work()
  } finally {
    server.close()
  }
}

async function acquire(folder: string, signal: AbortSignal): Promise<Server> {
  const name = createHash('sha256').update(realpathSync(folder)).digest('hex')
  const deadline = Date.now() + WAIT_MS
  for (;;) {
    signal.throwIfAborted()
    const server = await tryListen(`\0lmrun-${name}`)
    if (server) return server
    if (Date.now() > deadline) {
      const hint = 'Is another lmrun writing there? Run the same command again: it goes on where it was.'
      throw new LmrunError(`${folder} was locked for ${WAIT_MS / 1000} s`, { hint })
    }
    // Not all at the same moment again.
    await sleep(RETRY_MS * (1 + Math.random()), undefined, { signal })
  }
}

async function tryListen(name: string): Promise<Server | undefined> {
  const server = createServer(socket => socket.destroy())
  server.listen(name)
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined
    throw error
  }
}
