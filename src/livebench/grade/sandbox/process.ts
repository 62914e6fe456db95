import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { packageRoot } from '../../../env.ts'

/** What runs inside: code that a model wrote, or a question's own tests (which are trusted, yet limited too). */
export type Role = 'model' | 'check'

/** Every reply is one JSON object. Of role `model` it is whatever the model's code chose to say. */
export type Message = Readonly<Record<string, unknown>>

export interface Limits {
  readonly memoryMiB: number
  readonly cpuSeconds: number
  readonly fileMiB: number
  /** Of one reply. */
  readonly replyBytes: number
}

export const LIMITS: Limits = { memoryMiB: 1024, cpuSeconds: 60, fileMiB: 8, replyBytes: 8 * 1024 * 1024 }

/** How a sandboxed process let us down. What was running did it, so it counts against the answer. */
export class SandboxFailure extends Error {
  override readonly name = 'SandboxFailure'
}

/** How long Python may take to start, on a machine that does much else. */
const START_MS = 30_000
const STDERR_CHARS = 2000

/**
 * A Python process that is locked down before it runs anything that is not ours, reached over a private socket.
 * It has its own process group, a working folder of its own, and no environment of ours. Disposing ends and removes all.
 */
export class SandboxProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #channel: Duplex
  readonly #lines: AsyncGenerator<string, void>
  readonly #folder: string
  #stderr = ''

  private constructor(child: ChildProcess, folder: string, limits: Limits) {
    this.#child = child
    this.#folder = folder
    this.#channel = child.stdio[3] as Duplex
    // What it breaks on its side shows as the end of the lines, or as a reply that never comes.
    this.#channel.on('error', () => {})
    this.#lines = readLines(this.#channel, limits.replyBytes)
    child.stderr?.on('data', chunk => {
      this.#stderr = `${this.#stderr}${chunk}`.slice(-STDERR_CHARS)
    })
  }

  /**
   * @param command what runs Python: the interpreter, with what puts it into namespaces before it
   * @returns the process, and which layers of the sandbox hold
   */
  static async start(command: readonly string[], role: Role, signal: AbortSignal, limits: Limits = LIMITS) {
    signal.throwIfAborted()
    const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-sandbox-'))
    const launcher = path.join(packageRoot(), 'templates', 'local', 'sandbox', 'launch.py')
    const [file = 'python3', ...before] = command
    const args = [...before, '-I', '-B', '-X', 'utf8', launcher, role, JSON.stringify({ ...limits, folder })]
    const child = spawn(file, args, {
      cwd: folder,
      env: {
        PATH: '/usr/bin:/bin',
        HOME: folder,
        TMPDIR: folder,
        LANG: 'C.UTF-8',
        OPENBLAS_NUM_THREADS: '1',
      },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const process = new SandboxProcess(child, folder, limits)
    try {
      await once(child, 'spawn')
      const { layers } = await process.#reply(START_MS, signal)
      return { process, layers: Array.isArray(layers) ? layers.map(String) : [] }
    } catch (cause) {
      await process[Symbol.asyncDispose]()
      signal.throwIfAborted()
      throw new Error(`the sandbox did not start: ${process.#stderr.trim() || message(cause)}`, { cause })
    }
  }

  /**
   * @param ms how long the reply may take; after it the process is ended
   * @throws SandboxFailure when no proper reply came
   */
  async request(request: Message, ms: number, signal: AbortSignal): Promise<Message> {
    this.#channel.write(`${JSON.stringify(request)}\n`)
    return await this.#reply(ms, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill()
    if (this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, 'exit')
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #reply(ms: number, signal: AbortSignal): Promise<Message> {
    const timeout = AbortSignal.timeout(Math.max(1, ms))
    const stop = AbortSignal.any([signal, timeout])
    const kill = () => this.#kill()
    stop.addEventListener('abort', kill)
    if (stop.aborted) kill()
    try {
      const line = await this.#lines.next()
      signal.throwIfAborted()
      if (timeout.aborted) throw new SandboxFailure(`no reply within ${(ms / 1000).toFixed(1)} s`)
      if (line.done) throw new SandboxFailure('the process ended without a reply')
      return parseReply(line.value)
    } catch (error) {
      signal.throwIfAborted()
      this.#kill()
      throw error
    } finally {
      stop.removeEventListener('abort', kill)
    }
  }

  /** The whole group, and the channel too: whoever got away with an end of it must not keep us waiting. */
  #kill(): void {
    const { pid } = this.#child
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
    this.#channel.destroy()
  }
}

/** Pulls: what is not asked for stays in the socket, so a flood stops itself. */
async function* readLines(stream: Duplex, maxBytes: number): AsyncGenerator<string, void> {
  let parts: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      let rest: Buffer = chunk
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        yield Buffer.concat([...parts, rest.subarray(0, end)]).toString()
        rest = rest.subarray(end + 1)
        parts = []
        size = 0
      }
      parts.push(rest)
      size += rest.length
      if (size > maxBytes) throw new SandboxFailure(`a reply of more than ${maxBytes} bytes`)
    }
  } catch (error) {
    if (error instanceof SandboxFailure) throw error
    // The channel broke or was closed, here or there: the same as its end.
  }
}

function parseReply(line: string): Message {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value as Message
  } catch {
    // said below
  }
  throw new SandboxFailure('a reply that is not a JSON object')
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
