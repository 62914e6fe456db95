/** Finding processes that a run may have left, as the runner does: by what they carry, not by their parents. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Left {
  readonly pid: number
  readonly command: string
}

/**
 * Live processes (zombies are none) that carry `text` in their environment, their command line or the path of their
 * working folder. The caller is never among them.
 */
export function processesWith(text: string): readonly Left[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(name => {
      const command = read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim()
      const places = [read(`/proc/${name}/environ`), command, folderOf(name)]
      return places.some(place => place.includes(text)) ? [{ pid: Number(name), command }] : []
    })
}

/** Ends what is still there; a process that ended meanwhile is none of ours any more. */
export function killAll(processes: readonly Left[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {}
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // gone, or not ours to look at
  }
}

function folderOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}
