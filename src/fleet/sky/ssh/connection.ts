import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { type Env, tempFolder } from '../../../env.ts'
import { LmrunError } from '../../../errors.ts'
import { exists } from '../../../files.ts'
import { unlessAborted } from '../../../waiting.ts'
import { Unreachable } from '../types.ts'

export interface ConnectionOptions {
  /** HOME of the `sky` command: its alias files are below it. OpenSSH itself takes `~` from passwd. */
  readonly home: string
  readonly env: Env
}

export interface RemoteReply {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface RemoteCall {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

interface Held {
  readonly signal: AbortSignal
  readonly onOutput: () => void
}

/** ssh's own failure: no answer, or no way in. */
const SSH_FAILED = 255
const CALL_MS = 60_000
/** A socket's path holds at most 104 bytes, and ssh adds 17 while it makes one. */
const MAX_FOLDER = 60

/** ssh to VMs by the aliases that SkyPilot writes, one connection a VM, which further calls share. */
export class Connections {
  readonly #options: ConnectionOptions
  readonly #running = new Map<string, Set<ChildProcess>>()
  readonly #opening = new Map<string, Promise<void>>()
  readonly #lives = new Map<string, AbortController>()
  #sockets: Promise<string> | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /**
   * Runs a script by the VM's bash, fed by standard input: nothing of it is in any argv.
   * @throws Unreachable when the VM does not answer
   */
  async run(vm: string, script: string, call: RemoteCall = {}): Promise<RemoteReply> {
    await this.#open(vm, call)
    const args = [...(await this.args(vm)), vm, 'bash -s']
    const reply = await this.spawn(vm, ['ssh', ...args], { ...call, input: script })
    if (reply.exitCode !== SSH_FAILED) return reply
    await this.#forget(vm)
    throw new Unreachable(vm, new Error(reply.stderr.trim().split('\n').at(-1) ?? 'ssh failed'))
  }

  /** Options of every ssh to this VM, without its name. */
  async args(vm: string): Promise<string[]> {
    const generated = path.join(this.#options.home, '.sky', 'generated')
    return [
      ...['-F', path.join(generated, 'ssh', vm), '-i', path.join(generated, 'ssh-keys', `${vm}.key`)],
      ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20'],
      ...['-o', 'ServerAliveInterval=10', '-o', 'ServerAliveCountMax=3', '-o', 'LogLevel=ERROR'],
      ...['-o', 'ControlMaster=no', '-o', `ControlPath=${await this.#socket(vm)}`],
    ]
  }

  /** A child that ends with `leave`. @throws Unreachable after its time */
  async spawn(
    vm: string,
    [command = '', ...args]: readonly string[],
    { signal, timeoutMs = CALL_MS, input = '' }: RemoteCall & { readonly input?: string },
  ): Promise<RemoteReply> {
    signal?.throwIfAborted()
    const time = AbortSignal.timeout(timeoutMs)
    const child = spawn(command, args, { env: this.#options.env, stdio: 'pipe' })
    const ours = this.#running.get(vm) ?? new Set()
    this.#running.set(vm, ours.add(child))
    const over = AbortSignal.any(signal ? [signal, time] : [time])
    const kill = () => child.kill('SIGKILL')
    over.addEventListener('abort', kill, { once: true })
    try {
      child.stdin.on('error', () => {})
      child.stdin.end(input)
      const [stdout, stderr, exitCode] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        ended(child),
      ])
      signal?.throwIfAborted()
      if (time.aborted) throw new Unreachable(vm, time.reason)
      return { exitCode, stdout, stderr }
    } finally {
      over.removeEventListener('abort', kill)
      ours.delete(child)
    }
  }

  /**
   * Runs a command over a connection of its own for as long as its input is held open: it ends with this process,
   * however that ends. Resolves when it has ended; `onOutput` hears that it has written something.
   */
  async hold(vm: string, options: readonly string[], { signal, onOutput }: Held): Promise<void> {
    // ssh takes the first value of an option.
    const args = ['-o', 'ControlPath=none', ...options, ...(await this.args(vm)), vm, 'echo held; cat']
    signal.throwIfAborted()
    const child = spawn('ssh', args, { env: this.#options.env, stdio: ['pipe', 'pipe', 'ignore'] })
    const ours = this.#running.get(vm) ?? new Set()
    this.#running.set(vm, ours.add(child))
    const kill = () => child.kill('SIGKILL')
    signal.addEventListener('abort', kill, { once: true })
    try {
      child.stdin.on('error', () => {})
      child.stdout.on('data', onOutput)
      await ended(child)
    } finally {
      signal.removeEventListener('abort', kill)
      ours.delete(child)
    }
  }

  /** Aborts when the VM is left: nothing is made anew for it. One of its name that comes later has another. */
  left(vm: string): AbortSignal {
    const life = this.#lives.get(vm) ?? new AbortController()
    this.#lives.set(vm, life)
    return life.signal
  }

  /** Ends what runs over the connection, and the connection. */
  async leave(vm: string): Promise<void> {
    this.#lives.get(vm)?.abort(new LmrunError(`${vm} was left`))
    this.#lives.delete(vm)
    for (const child of this.#running.get(vm) ?? []) child.kill('SIGKILL')
    await this.#forget(vm)
  }

  /** Removes the folder of the sockets; connections that are still open end by themselves. */
  async close(): Promise<void> {
    if (!this.#sockets) return
    const folder = await this.#sockets
    this.#sockets = undefined
    await rm(folder, { recursive: true, force: true })
  }

  /** Makes the shared connection when there is none; a failure shows in the call that follows. */
  async #open(vm: string, { signal }: RemoteCall): Promise<void> {
    if (await exists(await this.#socket(vm))) return
    let opening = this.#opening.get(vm)
    if (!opening) {
      opening = this.#master(vm).finally(() => this.#opening.delete(vm))
      this.#opening.set(vm, opening)
    }
    // Whoever is told to stop does not wait for a VM that may never answer.
    await (signal ? unlessAborted(opening, signal) : opening)
  }

  /** It goes on in the background, and ends a minute after its last use: whoever is killed leaves nothing for long. */
  async #master(vm: string): Promise<void> {
    const options = ['-o', 'ControlMaster=auto', '-o', 'ControlPersist=60']
    // ssh takes the first value of an option. No pipes: the connection would hold them open.
    const args = [...options, ...(await this.args(vm)), vm, 'true']
    const child = spawn('ssh', args, { env: this.#options.env, stdio: 'ignore', timeout: CALL_MS })
    await ended(child).catch(() => {})
  }

  async #forget(vm: string): Promise<void> {
    const socket = await this.#socket(vm)
    if (!(await exists(socket))) return
    const args = ['-O', 'exit', ...(await this.args(vm)), vm]
    const child = spawn('ssh', args, { env: this.#options.env, stdio: 'ignore', timeout: 5000 })
    await ended(child).catch(() => {})
    await rm(socket, { force: true })
  }

  async #socket(vm: string): Promise<string> {
    const folder = tempFolder(this.#options.env)
    this.#sockets ??= mkdtemp(path.join(folder.length > MAX_FOLDER ? '/tmp' : folder, 'lmrun-ssh-'))
    return path.join(await this.#sockets, createHash('sha256').update(vm).digest('hex').slice(0, 8))
  }
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

/** The exit code; that of ssh's own failure when a signal ended it. */
function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code ?? SSH_FAILED))
  })
}
