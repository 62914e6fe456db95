import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { systemClock as clock } from '../../../src/clock.ts'
import { answerChecks, checkPath } from '../../../src/node/host/path-check.ts'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

it('a path that carries all is fine, and who answers ends when told to', async () => {
  const port = await freePort()
  const over = new AbortController()
  const answering = answerChecks(over.signal, '127.0.0.1', port)
  await checkPath({ clock, signal: over.signal, address: '127.0.0.1', port })
  over.abort()
  await answering
})

it('a path that swallows what is large is a black hole', async () => {
  // Closes on whoever sends more than a packet: as good as never answering, and sooner.
  const server = createServer(socket => {
    let bytes = 0
    socket.on('error', () => {})
    socket.on('data', chunk => {
      bytes += chunk.length
      if (bytes > 1400) socket.destroy()
      else if (chunk.toString('latin1').endsWith('.'))
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n.')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { signal } = new AbortController()
  await expect(checkPath({ clock, signal, address: '127.0.0.1', port })).rejects.toThrow('a black hole')
  server.close()
})

it('ends at once when told to', async () => {
  const over = new AbortController()
  const checking = checkPath({ clock, signal: over.signal, address: '127.0.0.1', port: 1 })
  over.abort(new Error('enough'))
  await expect(checking).rejects.toThrow('enough')
})
