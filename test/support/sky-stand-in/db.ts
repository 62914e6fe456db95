/** What SkyPilot remembers, in `$HOME/.sky`: another home, or a new runner, sees nothing of it. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Place, sshConfig } from './place.ts'

export interface ClusterRecord {
  readonly name: string
  /** Unix seconds. */
  readonly launchedAt: number
  readonly status: 'INIT' | 'UP' | 'STOPPED'
  /** Minutes; -1 when none is armed. */
  readonly autostop: number
  readonly toDown: boolean
  readonly infra: string
  readonly spot: boolean
  readonly accelerators: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly address: string
}

export class Db {
  readonly #place: Place
  readonly #file: string
  #clusters: Record<string, ClusterRecord>

  constructor(place: Place) {
    this.#place = place
    this.#file = path.join(place.sky, 'state.json')
    mkdirSync(path.join(place.sky, 'generated', 'ssh'), { recursive: true })
    mkdirSync(path.join(place.sky, 'generated', 'ssh-keys'), { recursive: true })
    this.#clusters = read(this.#file)
  }

  get(name: string): ClusterRecord | undefined {
    return this.#clusters[name]
  }

  all(): ClusterRecord[] {
    return Object.values(this.#clusters)
  }

  set(record: ClusterRecord): void {
    this.#clusters = { ...this.#clusters, [record.name]: record }
    this.#save()
  }

  update(name: string, change: Partial<ClusterRecord>): void {
    const record = this.#clusters[name]
    if (record) this.set({ ...record, ...change })
  }

  remove(name: string): void {
    const { [name]: _, ...rest } = this.#clusters
    this.#clusters = rest
    this.#save()
    rmSync(sshConfig(this.#place, name), { force: true })
  }

  /** Written once the machine is up; ssh finds it by `-F`. */
  writeSshConfig(name: string, address: string): void {
    const key = path.join(this.#place.sky, 'generated', 'ssh-keys', `${name}.key`)
    writeFileSync(key, 'no key: the stand-in asks for none\n', { mode: 0o600 })
    const config = `# Added by sky: use \`ssh ${name}\`\nHost ${name}\n  HostName ${address}\n  User sky\n  IdentityFile ${key}\n  Port 22\n`
    writeFileSync(sshConfig(this.#place, name), config)
  }

  #save(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#clusters))
    renameSync(`${this.#file}.new`, this.#file)
  }
}

function read(file: string): Record<string, ClusterRecord> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {} // The first start.
  }
}
