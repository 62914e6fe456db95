import { connect, createServer, type Server } from 'node:net'
import path from 'node:path'
import type { Machine, MachineProcess } from './machine.ts'

/** Ports of 127.0.0.1 that lead into the machines. */
export class Forwards {
  private readonly folder: string
  private readonly gateways = new Map<Machine, Promise<MachineProcess>>()
  private readonly servers: Server[] = []

  constructor(folder: string) {
    this.folder = folder
  }

  /** Resolves with a port of 127.0.0.1 that leads to `host:port` as the machine reaches it. */
  async open(machine: Machine, port: number, host = '127.0.0.1'): Promise<number> {
    const socket = path.join(this.folder, `${machine.pid}.sock`)
    const gateway = this.gateways.get(machine) ?? startGateway(machine, socket)
    this.gateways.set(machine, gateway)
    await gateway
    const server = createServer(incoming => {
      const outgoing = connect(socket)
      outgoing.write(`${host} ${port}\n`)
      incoming.pipe(outgoing).pipe(incoming)
      for (const [one, other] of [
        [incoming, outgoing],
        [outgoing, incoming],
      ] as const) {
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
    })
    this.servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a server without a port')
    return address.port
  }

  close(): void {
    for (const server of this.servers) server.close()
  }
}

async function startGateway(machine: Machine, socket: string): Promise<MachineProcess> {
  const gateway = machine.spawn('node', [path.join(import.meta.dirname, 'forward.ts'), socket])
  await gateway.saw(/forwarding/)
  return gateway
}
