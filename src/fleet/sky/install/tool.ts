import { spawn } from 'node:child_process'
import type { Env } from '../../../env.ts'

export interface ToolResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly stdout: string
  /** Of both streams, in the order of arrival. */
  readonly output: readonly string[]
}

export interface ToolCall {
  readonly env: Env
  /** The tool and its children are ended when it aborts. */
  readonly signal: AbortSignal
  readonly onLine?: (line: string) => void
}

const KEPT_LINES = 200

/**
 * Runs a helper of this machine in a process group of its own.
 * Rejects with the signal's reason on abort, and with the system's error when there is no such command.
 */
export async function runTool(
  command: string,
  args: readonly string[],
  { env, signal, onLine = () => {} }: ToolCall,
): Promise<ToolResult> {
  signal.throwIfAborted()
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('close', resolve)
  let stdout = ''
  const lines: string[] = []
  const keep = (chunk: string) => {
    for (const line of chunk.split(/[\r\n]+/).filter(text => text.trim())) {
      lines.push(line)
      if (lines.length > KEPT_LINES) lines.shift()
      onLine(line)
    }
  }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
    keep(chunk)
  })
  child.stderr.setEncoding('utf8').on('data', keep)
  const end = () => endGroup(child.pid)
  signal.addEventListener('abort', end, { once: true })
  try {
    const exitCode = await promise
    signal.throwIfAborted()
    return { exitCode, stdout, output: lines }
  } finally {
    signal.removeEventListener('abort', end)
  }
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
