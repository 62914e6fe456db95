import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Vars } from './environment.ts'
import type { JobLog } from './job-log.ts'

export interface Script {
  readonly text: string
  /** Where the text is put: no limit on its length, and nothing of it in argv. */
  readonly file: string
  readonly cwd: string
  readonly vars: Vars
  readonly log: JobLog
}

export interface Ended {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * Node's pipes are sockets, and `> /dev/stderr` cannot open a socket; so the script writes to a real pipe, and a `cat`
 * that outlives a TERM (the last words of a script matter) passes it on.
 */
const WRAPPER = `exec > >(trap '' TERM INT HUP; exec cat) 2>&1; exec bash "$0"`

/** Children that a script leaves behind hold its output open: their words are logged, but nobody waits for them. */
const DRAIN_MS = 250

/** Runs a script to its end, as SkyPilot does: by bash, without -e. Its processes stay in the keeper's group. */
export async function runScript({ text, file, cwd, vars, log }: Script): Promise<Ended> {
  await writeFile(file, text, { mode: 0o600 })
  const child = spawn('bash', ['-c', WRAPPER, file], { cwd, env: vars, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = Promise.all([log.follow(child.stdout), log.follow(child.stderr)])
  const ended = await new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
  const over = new AbortController()
  await Promise.race([output, sleep(DRAIN_MS, undefined, { signal: over.signal }).catch(() => {})])
  over.abort()
  output.catch(() => {})
  return ended
}
