/**
 * The product's seam to K3s, for programs that run in a machine of a lab: puts the plan's files where they belong, and
 * starts what the plan's systemd unit starts, with the lab's k3s in the place of the binary.
 */
import { spawn } from 'node:child_process'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { K3sPlan, StartK3s } from '../../../src/node/types.ts'
import { K3S } from './vm.ts'

const LOG = '/var/log/k3s.log'
const PID = '/run/k3s.pid'

/** Main's K3s is the lab's control plane, which runs already: of a server's plan only the files are taken. */
export const startK3s: StartK3s = async (plan, _join, signal) => {
  for (const { path: file, mode, content } of plan.files) {
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, content, { mode })
    await chmod(file, mode) // of one that was there
  }
  if (plan.role === 'server') return
  const [, ...args] = (await execStart(plan)).split(/\s+/)
  await startAgent(args, signal)
}

/** The command line of the unit. @throws Error when the plan has no such unit, or that no command */
async function execStart({ files, unit }: K3sPlan): Promise<string> {
  const name = unit.endsWith('.service') ? unit : `${unit}.service`
  const file = files.find(({ path: at }) => path.basename(at) === name)
  const text = file ? (await readFile(file.path, 'utf8')).replaceAll('\\\n', ' ') : ''
  const [, line] = /^ExecStart=[-@:+!]*(.+)$/m.exec(text) ?? []
  if (line === undefined) throw new Error(`no ExecStart in ${name}, or no such file in the plan`)
  return line.trim().replaceAll('"', '').replaceAll("'", '')
}

/** Outlives the caller, as a unit does, and ends with its machine. One that runs is left alone. */
async function startAgent(args: readonly string[], signal: AbortSignal): Promise<void> {
  if (runs()) return
  const log = openSync(LOG, 'w')
  const child = spawn(K3S, args, { detached: true, stdio: ['ignore', log, log] })
  child.unref()
  writeFileSync(PID, String(child.pid))
  while (!/^k3s is up: /m.test(readFileSync(LOG, 'utf8'))) {
    if (child.exitCode !== null)
      throw new Error(`k3s ended with ${child.exitCode}:\n${readFileSync(LOG, 'utf8')}`)
    await sleep(50, undefined, { signal })
  }
}

function runs(): boolean {
  try {
    return process.kill(Number(readFileSync(PID, 'utf8')), 0)
  } catch {
    return false // never started, or ended
  }
}
