import { mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../../clock.ts'
import type { Env } from '../../../env.ts'
import { LmrunError } from '../../../errors.ts'
import type { JobState, Tunnel, VmFile } from '../../fleet.ts'
import { hasEnded } from '../exit-codes.ts'
import { DISARM_SCRIPT } from '../render/remote-paths.ts'
import { Unreachable, type VmAccess } from '../types.ts'
import { Connections, type RemoteReply } from './connection.ts'
import {
  FACTS_SCRIPT,
  findScript,
  handScript,
  placeScript,
  startScript,
  stateScript,
  tailScript,
  WAIT_SECONDS,
  waitScript,
} from './scripts.ts'
import { readState } from './state.ts'
import { openTunnel } from './tunnel.ts'

export interface SshAccessOptions {
  /** HOME of the `sky` command. */
  readonly home: string
  readonly env: Env
  readonly clock: Clock
  /** Milliseconds without an answer after which a VM counts as unreachable. */
  readonly patienceMs?: number
}

const PATIENCE_MS = 60_000
const WAIT_MS = (WAIT_SECONDS + 60) * 1000
const MAX_PAUSE_MS = 10_000
/** A file's transfer; answers are small, and a model is not sent. */
const COPY_MS = 15 * 60_000
/** rsync: the connection failed, timed out, or could not be made. */
const RSYNC_UNREACHABLE = [10, 12, 30, 35, 255]
/** rsync: a file vanished while it was copied, which happens to files of a running job. */
const RSYNC_FINE = [0, 24]

const factsSchema = z.object({ address: z.string(), ports: z.record(z.string(), z.number()) })

export function createSshAccess(options: SshAccessOptions): VmAccess & { close(): Promise<void> } {
  return new SshAccess(options)
}

class SshAccess implements VmAccess {
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #patienceMs: number

  constructor({ home, env, clock, patienceMs = PATIENCE_MS }: SshAccessOptions) {
    this.#connections = new Connections({ home, env })
    this.#clock = clock
    this.#patienceMs = patienceMs
  }

  async start(
    vm: string,
    id: number,
    task: Parameters<VmAccess['start']>[2],
    signal: AbortSignal,
  ): Promise<void> {
    const reply = await this.#connections.run(vm, startScript(id, task), { signal })
    if (reply.exitCode !== 0) throw failed(vm, `job ${id} could not be started`, reply)
  }

  async wait(vm: string, id: number, signal: AbortSignal, onSilence = () => {}): Promise<JobState> {
    let answeredAt = this.#clock.now()
    let silent = 0
    for (let pause = 500; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      try {
        const reply = await this.#connections.run(vm, waitScript(id), { signal, timeoutMs: WAIT_MS })
        const state = readState(vm, id, reply)
        if (hasEnded(state.status)) return state
        answeredAt = this.#clock.now()
        silent = 0
        pause = 500
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof Unreachable)) throw error
        if (this.#clock.now() - answeredAt >= this.#patienceMs) throw error
        silent += 1
        if (silent === 2) onSilence()
      }
      await this.#clock.sleep(pause, signal)
    }
  }

  async state(vm: string, id: number): Promise<JobState> {
    return readState(vm, id, await this.#connections.run(vm, stateScript(id)))
  }

  async tail(vm: string, id: number, lines: number): Promise<readonly string[]> {
    const { stdout } = await this.#connections.run(vm, tailScript(id, lines))
    return stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n')
  }

  async pull(vm: string, from: string, to: string): Promise<boolean> {
    const reply = await this.#connections.run(vm, findScript(from))
    const [kind, found] = reply.stdout.trimEnd().split('\n')
    if (!kind || !found) return false
    await mkdir(kind === 'folder' ? to : path.dirname(to), { recursive: true })
    const slash = kind === 'folder' ? '/' : ''
    await this.#rsync(vm, `${vm}:${found}${slash}`, `${path.resolve(to)}${slash}`)
    return true
  }

  async push(vm: string, from: string, to: string): Promise<void> {
    const slash = (await stat(from)).isDirectory() ? '/' : ''
    const reply = await this.#connections.run(vm, placeScript(to))
    if (reply.exitCode !== 0) throw failed(vm, `${to} cannot be written`, reply)
    await this.#rsync(vm, `${path.resolve(from)}${slash}`, `${vm}:${reply.stdout.trimEnd()}${slash}`)
  }

  async hand(vm: string, files: readonly VmFile[], signal: AbortSignal): Promise<void> {
    const reply = await this.#connections.run(vm, handScript(files), { signal })
    const paths = files.map(file => `~/${file.path}`).join(', ')
    if (reply.exitCode !== 0) throw failed(vm, `${paths} cannot be written`, reply)
  }

  run(vm: string, script: string, signal: AbortSignal): Promise<RemoteReply> {
    return this.#connections.run(vm, script, { signal })
  }

  tunnel(vm: string, port: number, signal: AbortSignal): Promise<Tunnel> {
    return openTunnel(this.#connections, { vm, port, clock: this.#clock, signal })
  }

  async facts(vm: string): Promise<z.infer<typeof factsSchema>> {
    const { stdout } = await this.#connections.run(vm, FACTS_SCRIPT)
    try {
      return factsSchema.parse(JSON.parse(stdout))
    } catch (cause) {
      throw new LmrunError(`the address of ${vm} is not known yet: its run has not begun`, { cause })
    }
  }

  async disarm(vm: string): Promise<void> {
    const reply = await this.#connections.run(vm, DISARM_SCRIPT)
    if (reply.exitCode !== 0) throw failed(vm, 'its shutdown could not be taken back', reply)
  }

  leave(vm: string): Promise<void> {
    return this.#connections.leave(vm)
  }

  close(): Promise<void> {
    return this.#connections.close()
  }

  /** Links are not copied: what runs on a VM must not name files of this machine. */
  async #rsync(vm: string, from: string, to: string): Promise<void> {
    const ssh = ['ssh', ...(await this.#connections.args(vm))].map(rsyncWord).join(' ')
    const command = ['rsync', '-rtz', '--protect-args', '--no-links', '-e', ssh, from, to]
    const reply = await this.#connections.spawn(vm, command, { timeoutMs: COPY_MS })
    if (RSYNC_FINE.includes(reply.exitCode)) return
    const error = failed(vm, `rsync of ${from} failed`, reply)
    throw RSYNC_UNREACHABLE.includes(reply.exitCode) ? new Unreachable(vm, error) : error
  }
}

/** rsync splits its command at spaces, and knows quotes. */
function rsyncWord(word: string): string {
  return /[\s'"]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word
}

function failed(vm: string, what: string, { exitCode, stderr }: RemoteReply): LmrunError {
  const why = stderr.trim().split('\n').at(-1) || `exit code ${exitCode}`
  return new LmrunError(`${vm}: ${what}: ${why}`)
}
