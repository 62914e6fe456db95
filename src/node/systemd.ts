import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { LmrunError } from '../errors.ts'
import { removeIfThere } from './files.ts'
import { AT } from './paths.ts'
import type { System } from './system.ts'

const run = promisify(execFile)

/** @throws LmrunError with what systemctl said */
export async function systemctl({ signal }: System, ...args: string[]): Promise<string> {
  try {
    return (await run('systemctl', args, { signal })).stdout
  } catch (cause) {
    signal.throwIfAborted()
    const { stderr, message } = cause as { stderr?: string; message: string }
    throw new LmrunError(`systemctl ${args.join(' ')} failed: ${stderr?.trim() || message}`, {
      cause,
      hint: 'A VM joins with systemd, as root: sudo -E ./k3s_agent',
    })
  }
}

export async function isActive(system: System, unit: string): Promise<boolean> {
  try {
    await systemctl(system, 'is-active', '--quiet', unit)
    return true
  } catch (error) {
    system.signal.throwIfAborted()
    if (isMissing(error)) throw error
    return false
  }
}

function isMissing(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } }
  return cause?.code === 'ENOENT'
}

/**
 * Has the unit run, now and after each reboot, and anew when what it runs with has changed. Does not wait until it has
 * started: what refuses to start would be waited for without an end. @returns whether anything was done
 */
export async function keepRunning(
  system: System,
  unit: string,
  { changed }: { readonly changed: boolean },
): Promise<boolean> {
  const active = await isActive(system, unit)
  if (active && !changed) return false
  await systemctl(system, 'daemon-reload')
  await systemctl(system, 'enable', '--quiet', unit)
  await systemctl(system, active ? 'restart' : 'start', '--no-block', unit)
  return true
}

/** Ends the unit, and forgets it; tolerates that there is none. @returns whether there was one */
export async function retire(system: System, unit: string): Promise<boolean> {
  const file = path.join(system.root, AT.units, unit)
  if (!existsSync(file)) return false
  await systemctl(system, 'disable', '--now', '--quiet', unit)
  await removeIfThere(file)
  await systemctl(system, 'daemon-reload')
  return true
}

/** The last lines that it logged; empty where nobody keeps them. */
export async function lastWords(unit: string, signal: AbortSignal): Promise<string> {
  const args = ['--unit', unit, '--lines', '15', '--output', 'cat', '--no-pager']
  return run('journalctl', args, { signal }).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  )
}
