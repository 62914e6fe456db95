import { Machine } from './machine.ts'

/** The lab's "internet": a bridge in a network of its own, which leads nowhere else. */
export const SUBNET = '192.168.77'
const HUB = `${SUBNET}.254`
const DISABLED = '0'
const FORWARDING = '3'

export class Network {
  private readonly hub: Machine
  private readonly ports = new Map<string, string>()
  private plugged = 0

  private constructor(hub: Machine) {
    this.hub = hub
  }

  static async start(logs: string): Promise<Network> {
    const hub = await Machine.start('hub', logs)
    await hub.ip('link', 'add', 'br0', 'type', 'bridge')
    await hub.ip('addr', 'add', `${HUB}/24`, 'dev', 'br0')
    await hub.ip('link', 'set', 'br0', 'up')
    // What is for elsewhere is refused instead of lost: there is no elsewhere.
    await hub.net('sysctl', '-qw', 'net.ipv4.ip_forward=1')
    await hub.ip('route', 'add', 'unreachable', 'default')
    return new Network(hub)
  }

  /** Plugs a machine in. Resolves with its address. */
  async plugIn(machine: Machine, { mtu = 1500 }: { readonly mtu?: number } = {}): Promise<string> {
    // One that takes the place of another has a port and an address of its own.
    const number = ++this.plugged
    const port = `p${number}`
    const address = `${SUBNET}.${number}`
    this.ports.set(machine.name, port)
    const pair = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', String(machine.pid)]
    await this.hub.ip('link', 'add', port, ...pair)
    await this.hub.ip('link', 'set', port, 'master', 'br0', 'up')
    // Packets are cut to size by the sender: one that was cut later would pass what is too narrow for it.
    await machine.ip('link', 'set', 'eth0', 'gso_max_segs', '1', 'mtu', String(mtu), 'up')
    await machine.ip('addr', 'add', `${address}/24`, 'dev', 'eth0')
    await machine.ip('route', 'add', 'default', 'via', HUB)
    await machine.net('sysctl', '-qw', 'net.ipv4.ip_forward=1')
    return address
  }

  /** Nothing passes any more in either direction, and nobody is told. */
  async cutOff(name: string): Promise<void> {
    await this.hub.net('bridge', 'link', 'set', 'dev', this.port(name), 'state', DISABLED)
  }

  async restore(name: string): Promise<void> {
    await this.hub.net('bridge', 'link', 'set', 'dev', this.port(name), 'state', FORWARDING)
  }

  /** A black hole: packets of more bytes than this to or from the machine are lost, and nobody is told. */
  async setPathMtu(name: string, bytes: number): Promise<void> {
    await this.hub.ip('link', 'set', this.port(name), 'mtu', String(bytes))
  }

  async end(): Promise<void> {
    await this.hub.end()
  }

  private port(name: string): string {
    const port = this.ports.get(name)
    if (port === undefined) throw new Error(`no machine is called ${name}`)
    return port
  }
}
