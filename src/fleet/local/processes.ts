import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** One process of this machine. */
export interface Process {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly session: number
  /** When it started: tells it from a later bearer of its number. Empty where that cannot be read: no /proc. */
  readonly started: string
  readonly command: string
  /** Its LMRUN_VM; null when it has none (or is another user's), undefined where none can be read: no /proc. */
  readonly marker: string | null | undefined
}

/** Whose processes: by the marker they carry; where no marker can be read, by the group of the keeper. */
export interface Owner {
  readonly owns: (marker: string) => boolean
  readonly keeperPid?: number
}

const PROC = '/proc'
/** Place of the start time, counted from the state: proc_pid_stat(5), field 22. */
const STARTED = 19

/**
 * All living processes (no zombies). From /proc, where markers can be read; else from `ps`, without them.
 * @param proc for tests: a folder that is not there stands for a machine without /proc
 */
export async function listProcesses(proc = PROC): Promise<Process[]> {
  const entries = await readdir(proc).catch(() => null)
  if (!entries) return listByPs()
  const found = await Promise.all(
    entries.filter(name => /^\d+$/.test(name)).map(name => readProcess(proc, name)),
  )
  return found.filter(process => process !== null)
}

/**
 * The processes of an owner: those that carry its marker, those that were seen as its before, all that descend from
 * them, and the sessions of all these. A keeper leads a session of its own, so its VM's sessions hold nothing foreign;
 * and a number that a dead process left is never taken for its new bearer.
 * @param seen identities of processes that were its when last looked: their parent may have ended meanwhile
 */
export function processesOf(
  { owns, keeperPid }: Owner,
  all: readonly Process[],
  seen: ReadonlySet<string> = new Set(),
): Process[] {
  const members = new Set<number>()
  const sessions = new Set<number>()
  const add = ({ pid, session }: Process) => {
    members.add(pid)
    sessions.add(session)
  }
  for (const process of all) {
    const { marker, group } = process
    const mine = marker === undefined ? group === keeperPid : marker !== null && owns(marker)
    if (mine || seen.has(identity(process))) add(process)
  }
  let before: number
  do {
    before = members.size
    for (const process of all) {
      if (members.has(process.parent) || sessions.has(process.session)) add(process)
    }
  } while (members.size > before)
  return all.filter(({ pid }) => members.has(pid))
}

export function identity({ pid, started }: Process): string {
  return `${pid} ${started}`
}

/** The LMRUN_VM of a process; undefined when the machine has no /proc, null when there is no such process or marker. */
export async function readMarker(pid: number): Promise<string | null | undefined> {
  try {
    return markerOf(await readFile(`${PROC}/${pid}/environ`, 'latin1'))
  } catch {
    return (await hasProc()) ? null : undefined
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Alive, but another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function readProcess(proc: string, name: string): Promise<Process | null> {
  try {
    const [stat, environ] = await Promise.all([
      readFile(`${proc}/${name}/stat`, 'latin1'),
      // Another user's process: it is known by its session or its parent.
      readFile(`${proc}/${name}/environ`, 'latin1').catch(() => ''),
    ])
    // "pid (command) state ppid pgrp session …": the command may hold anything, also ") ".
    const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, parent, group, session] = fields
    if (state === 'Z' || state === 'X') return null
    const numbers = {
      pid: Number(name),
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
    }
    return { ...numbers, started: fields[STARTED] ?? '', command, marker: markerOf(environ) }
  } catch {
    return null // It ended while we looked.
  }
}

function markerOf(environ: string): string | null {
  return /(?:^|\0)LMRUN_VM=([^\0]*)/.exec(environ)?.[1] ?? null
}

async function hasProc(): Promise<boolean> {
  return readFile(`${PROC}/self/environ`).then(
    () => true,
    () => false,
  )
}

async function listByPs(): Promise<Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,ppid=,pgid=,stat=,comm='])
  return stdout.split('\n').flatMap(line => {
    const [pid, parent, group, state = '', ...command] = line.trim().split(/\s+/)
    if (!pid || state.startsWith('Z')) return []
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        session: Number(group),
        started: '',
        command: command.join(' '),
        marker: undefined,
      },
    ]
  })
}
