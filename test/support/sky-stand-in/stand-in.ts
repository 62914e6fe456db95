/**
 * A sky of one's own: `await using sky = await createSkyStandIn()`. Puts executable stand-ins for `sky`, `ssh` and
 * `rsync` into a folder for PATH; the cloud that they reach lives in this process, so that it outlives whoever
 * launched VMs in it, and its ledger tells who ended each.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { packageRoot } from '../../../src/env.ts'
import { killAll, processesWith } from '../processes.ts'
import { Cloud, type LedgerEntry, type MakeInside } from './cloud.ts'
import { type Fault, Faults } from './faults.ts'
import { serveCloud } from './gateway.ts'
import { listen } from './wire.ts'

export interface SkyStandInOptions {
  /** How many times faster than life SkyPilot and its leases are. */
  readonly speed?: number
  /** Takes VMs, home and commands; a temporary one when absent. It is removed at the end. */
  readonly folder?: string
  /** Makes its VMs machines of their own. */
  readonly inside?: MakeInside
}

export interface SkyStandIn extends AsyncDisposable {
  readonly cloud: Cloud
  readonly speed: number
  readonly folder: string
  /** HOME of whoever calls `sky`. */
  readonly home: string
  /** To be laid over an environment. */
  readonly env: Readonly<Record<string, string>>
  readonly ledger: readonly LedgerEntry[]
  fault(fault: Fault): void
  mend(): void
  /** Takes a VM away as the cloud does with spot. */
  preempt(name: string): Promise<void>
  /** Cuts the network to a VM, or mends it; the VM goes on. */
  cut(name: string, isCut: boolean): void
  /** Ends the validity of the credentials, or renews them. */
  expireCredentials(expired?: boolean): void
  /** Processes of SkyPilot's API server. */
  servers(): readonly number[]
  /** Ends the API server as the runner's end does. */
  killServer(): void
}

export async function createSkyStandIn({
  speed = 10,
  folder,
  inside,
}: SkyStandInOptions = {}): Promise<SkyStandIn> {
  const root = folder ?? (await mkdtemp(path.join(tmpdir(), 'lmrun-sky-')))
  const home = path.join(root, 'home')
  const [bin, tools, vms] = ['bin', 'vm-bin', 'vms'].map(name => path.join(root, name)) as [
    string,
    string,
    string,
  ]
  for (const one of [home, bin, tools, vms]) await mkdir(one, { recursive: true })
  const socket = path.join(root, 'cloud.sock')
  await install(bin, tools, socket, speed)
  const cloud = new Cloud({ speed, folder: vms, tools: [tools], ...(inside ? { inside } : {}) })
  const faults = new Faults()
  const server = await listen(socket, wire => serveCloud(wire, cloud, faults))
  const find = (name: string) => {
    const instance = cloud.find(name)
    if (!instance) throw new Error(`there is no VM ${name}`)
    return instance
  }
  const servers = () =>
    processesWith(root).flatMap(({ pid, command }) => (/api-server\.ts$/.test(command) ? [pid] : []))
  const killServer = () => killAll(servers().map(pid => ({ pid, command: 'api-server' })))
  return {
    cloud,
    speed,
    folder: root,
    home,
    // Its API server has no port; whichever this machine has on the usual one is none of ours.
    env: { HOME: home, PATH: [bin, process.env.PATH].join(':'), SKYPILOT_API_SERVER_LOCAL_PORT: '9' },
    get ledger() {
      return cloud.ledger
    },
    fault: fault => faults.add(fault),
    mend: () => faults.clear(),
    preempt: name => cloud.end(find(name), 'cloud'),
    cut: (name, isCut) => {
      find(name).cut = isCut
    },
    expireCredentials: expired => cloud.expireCredentials(expired),
    servers,
    killServer,
    async [Symbol.asyncDispose]() {
      killServer()
      server.close()
      await cloud[Symbol.asyncDispose]()
      killAll(processesWith(root))
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function install(bin: string, tools: string, socket: string, speed: number): Promise<void> {
  const here = import.meta.dirname
  const variables = `SKY_STAND_IN=${socket} SKY_STAND_IN_SPEED=${speed}`
  const script = (file: string) => `exec env ${variables} ${process.execPath} ${path.join(here, file)} "$@"`
  for (const name of ['sky', 'ssh', 'rsync']) await executable(path.join(bin, name), script(`${name}.ts`))
  const bodies = {
    shutdown: script('shutdown.ts'),
    sudo: 'while [[ $1 = -* ]]; do shift; done; exec "$@"',
    hostname: 'if [ "$1" = -I ]; then echo "$SKY_STAND_IN_ADDRESS"; else echo "$SKY_STAND_IN_NAME"; fi',
    lmrun: `exec ${process.execPath} ${path.join(packageRoot(), 'dist/cli/index.js')} "$@"`,
  }
  for (const [name, body] of Object.entries(bodies)) await executable(path.join(tools, name), body)
}

async function executable(file: string, body: string): Promise<void> {
  await writeFile(file, `#!/usr/bin/env bash\n${body}\n`)
  await chmod(file, 0o755)
}
