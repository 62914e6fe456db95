import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { type Clock, systemClock } from '../../clock.ts'
import { currentEnv } from '../../env.ts'

/**
 * Starts a program in a session, and so in a process group, of its own, and writes who leads it to the file `$1`:
 * process id and start time, which together name one process for ever. The shell's own number becomes the program's,
 * because a process that leads no group takes a new session in place. macOS has no setsid(1), but perl.
 */
export const IN_OWN_GROUP = `
started=$(cut -d' ' -f22 /proc/$$/stat 2>/dev/null || LC_ALL=C ps -o lstart= -p $$)
printf '%s %s\\n' $$ "$started" >"$1.new" && mv "$1.new" "$1" || exit 126
shift
command -v setsid >/dev/null 2>&1 && exec setsid "$@"
exec perl -MPOSIX -e 'POSIX::setsid(); exec { $ARGV[0] } @ARGV or exit 127' "$@"
`

const EXTENSION = '.pid'
const POLL_MS = 20

/** The leader of a group, as recorded. */
export interface Leader {
  readonly pid: number
  readonly started: string
}

/** The processes of one machine. */
export interface ProcessTable {
  readonly clock: Clock
  /** Null: there is no such process. As IN_OWN_GROUP writes it. */
  startOf(pid: number): Promise<string | null>
  exists(pid: number): boolean
  /** A process that has not taken its own session yet leads no group: then it is alone. */
  signalGroup(pid: number, signal: NodeJS.Signals): void
}

export const THIS_MACHINE: ProcessTable = { clock: systemClock, startOf, exists, signalGroup }

/** The name says who recorded it. */
export function recordFile(folder: string, id: string, owner: number = process.pid): string {
  return path.join(folder, `${owner}-${id}${EXTENSION}`)
}

/** Null: not recorded (yet). */
export async function readLeader(file: string): Promise<Leader | null> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const [, pid, started] = /^(\d+) (.*)$/m.exec(text) ?? []
  return pid && Number(pid) > 1 ? { pid: Number(pid), started: started?.trim() ?? '' } : null
}

/** True while the very process that was recorded lives: its number may have a new bearer. */
export async function isSame({ pid, started }: Leader, table: ProcessTable = THIS_MACHINE): Promise<boolean> {
  return started !== '' && (await table.startOf(pid)) === started
}

/**
 * Asks a group to end, and ends it when it has not after `graceMs`.
 * @param done true when the leader is known to have ended
 */
export async function endGroup(
  leader: Leader,
  graceMs: number,
  done: () => boolean,
  table: ProcessTable = THIS_MACHINE,
): Promise<void> {
  const { clock } = table
  if (!(await isSame(leader, table))) return
  table.signalGroup(leader.pid, 'SIGTERM')
  const until = clock.now() + graceMs
  while (!done() && clock.now() < until) await clock.sleep(POLL_MS)
  // Also when the leader has gone: a child of its may have taken no notice.
  table.signalGroup(leader.pid, 'SIGKILL')
}

/**
 * Ends what an earlier process recorded in `folder` and left running: the post step's first act, so that no launch
 * races the end of its VM.
 * @param of `the dead`: leaves alone what a process recorded that still lives, as another run on this machine
 * @returns how many still lived
 */
export async function endRecorded(
  folder: string,
  {
    graceMs = 2000,
    of = 'anybody',
    table = THIS_MACHINE,
  }: {
    readonly graceMs?: number
    readonly of?: 'anybody' | 'the dead'
    readonly table?: ProcessTable
  } = {},
): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  const ended = await Promise.all(
    names
      .filter(name => name.endsWith(EXTENSION) && (of === 'anybody' || !ownerLives(name, table)))
      .map(async name => {
        const file = path.join(folder, name)
        const leader = await readLeader(file)
        const lives = leader !== null && (await isSame(leader, table))
        if (leader && lives) await endUntilGone(leader, graceMs, table)
        await rm(file, { force: true })
        return lives
      }),
  )
  return ended.filter(lived => lived).length
}

export async function makeRecordFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
}

async function endUntilGone(leader: Leader, graceMs: number, table: ProcessTable): Promise<void> {
  let gone = false
  const watch = (async () => {
    while (!gone && (await isSame(leader, table))) await table.clock.sleep(POLL_MS)
    gone = true
  })()
  await endGroup(leader, graceMs, () => gone, table)
  gone = true
  await watch
}

function ownerLives(name: string, table: ProcessTable): boolean {
  const pid = Number.parseInt(name, 10)
  return !Number.isNaN(pid) && table.exists(pid)
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal)
      return
    } catch {
      // No such group, or no such process: nothing to end.
    }
  }
}

async function startOf(pid: number): Promise<string | null> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; it only waits to be told of.
    return fields === undefined || fields[0] === 'Z' ? null : (fields[19] ?? null)
  }
  const env = { ...currentEnv(), LC_ALL: 'C' }
  const found = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], { env }).catch(
    () => null,
  )
  return found?.stdout.trim() || null
}
