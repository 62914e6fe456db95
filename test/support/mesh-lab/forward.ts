/**
 * Runs in a machine: connects what comes through a unix socket, which namespaces of networks do not part, to an address
 * that only the machine reaches. The first line says where: `HOST PORT`. Usage: node forward.ts SOCKET
 */
import { connect, createServer, type Socket } from 'node:net'

const [socket] = process.argv.slice(2)

createServer({ pauseOnConnect: true }, incoming => {
  incoming.on('error', () => incoming.destroy())
  incoming.once('readable', () => {
    const line = readLine(incoming)
    const [host = '', port] = line.split(' ')
    const outgoing = connect({ host, port: Number(port) })
    join(incoming, outgoing)
  })
}).listen(socket, () => console.log('forwarding'))

/** The line is short and comes first, in one piece. */
function readLine(incoming: Socket): string {
  let line = ''
  for (;;) {
    const byte = incoming.read(1) as Buffer | null
    if (byte === null || byte[0] === 10) return line
    line += byte.toString('latin1')
  }
}

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
    from.pipe(to)
  }
}
