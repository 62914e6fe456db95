/** Lines of JSON over a Unix socket: how the stand-ins talk to each other. */
import { once } from 'node:events'
import net from 'node:net'
import { createInterface } from 'node:readline'

export type Message = Readonly<Record<string, unknown>>

export interface Wire extends AsyncIterable<Message> {
  readonly socket: net.Socket
  send(message: Message): void
  end(): void
}

/** @throws the socket's own error when nobody listens */
export async function connect(path: string): Promise<Wire> {
  const socket = net.connect(path)
  await once(socket, 'connect')
  return wireOver(socket)
}

/** Calls `serve` for each connection; a connection that breaks ends its `serve` by the end of its messages. */
export async function listen(path: string, serve: (wire: Wire) => Promise<void>): Promise<net.Server> {
  const server = net.createServer(socket => {
    const wire = wireOver(socket)
    serve(wire)
      .catch(error => wire.send({ error: error instanceof Error ? error.message : String(error) }))
      .finally(() => wire.end())
  })
  server.listen(path)
  await once(server, 'listening')
  return server
}

/** One question, one answer. Rejects with what the other side says went wrong. */
export async function ask<T>(path: string, question: Message): Promise<T> {
  const wire = await connect(path)
  try {
    wire.send(question)
    for await (const answer of wire) {
      if (typeof answer.error === 'string') throw new Error(answer.error)
      return answer.value as T
    }
  } finally {
    wire.end()
  }
  throw new Error(`no answer to ${String(question.call)}`)
}

function wireOver(socket: net.Socket): Wire {
  socket.on('error', () => {})
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
  const messages = (async function* () {
    try {
      for await (const line of lines) if (line) yield JSON.parse(line) as Message
    } catch (error) {
      // The other side is gone: seen as the end of its messages.
      if (!socket.destroyed) throw error
    }
  })()
  return {
    socket,
    send: message => void (socket.writable && socket.write(`${JSON.stringify(message)}\n`)),
    end: () => void socket.end(),
    // Without a `return`: who stops to listen may go on later, or somebody else.
    [Symbol.asyncIterator]: () => ({ next: () => messages.next() }),
  }
}
