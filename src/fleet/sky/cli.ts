import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { stripVTControlCharacters } from 'node:util'
import { getExecOutput } from '@actions/exec'
import type { Env } from '../../env.ts'
import { LmrunError } from '../../errors.ts'
import type { LogGroups } from './log-groups.ts'
import {
  endGroup,
  IN_OWN_GROUP,
  makeRecordFolder,
  type ProcessTable,
  readLeader,
  recordFile,
  THIS_MACHINE,
} from './process-groups.ts'
import type { SkyCall, SkyCli, SkyReply } from './types.ts'

export interface SkyCliOptions {
  /** Path of the command, or its name on PATH. */
  readonly bin: string
  /** Where the running calls are recorded, for `endRecorded`. */
  readonly records: string
  /** What the command inherits. */
  readonly env: Env
  readonly groups: LogGroups
  /** Milliseconds between asking a call to end and ending it: after a cancel there is no time for more. */
  readonly graceMs?: number
  /** Where the calls run; here when absent. */
  readonly machine?: SkyMachine
}

/** What a call needs of the machine that it runs on. */
export interface SkyMachine {
  readonly table: ProcessTable
  readonly exec: typeof getExecOutput
  /** Of this process. */
  readonly pid: number
}

const HERE: SkyMachine = { table: THIS_MACHINE, exec: getExecOutput, pid: process.pid }

/** What a shell says when it could not start a program. */
const NOT_STARTED = [126, 127]

/** `sky` as a child of this process, in a group of its own: it ends when we say so, and with all that it started. */
export function createSkyCli(options: SkyCliOptions): SkyCli {
  const running = new Map<AbortController, Promise<unknown>>()
  const { clock } = (options.machine ?? HERE).table
  return {
    ready: async () => {},
    run: async (args, call = {}) => {
      const stop = new AbortController()
      const signals = [stop.signal, ...(call.signal ? [call.signal] : [])]
      if (call.timeoutMs !== undefined) signals.push(clock.timeout(call.timeoutMs))
      const work = runSky(args, call, AbortSignal.any(signals), options)
      running.set(stop, work)
      try {
        return await work
      } finally {
        running.delete(stop)
      }
    },
    endAll: async () => {
      for (const stop of running.keys()) stop.abort(new LmrunError('sky was ended: the run is over'))
      await Promise.allSettled(running.values())
    },
  }
}

async function runSky(
  args: readonly string[],
  { group }: SkyCall,
  signal: AbortSignal,
  { bin, records, env: inherited, groups, graceMs = 500, machine = HERE }: SkyCliOptions,
): Promise<SkyReply> {
  signal.throwIfAborted()
  await makeRecordFolder(records)
  const record = recordFile(records, randomUUID(), machine.pid)
  const output = group === undefined ? null : groups.open(group)
  const print = lineSplitter(line => output?.line(line))
  let done = false
  const call = machine
    .exec('sh', ['-c', IN_OWN_GROUP, 'sh', record, bin, ...args], {
      env: environment(bin, inherited),
      // Nobody answers questions: `sky` reads the end of its input at once.
      input: Buffer.alloc(0),
      silent: true,
      ignoreReturnCode: true,
      listeners: { stdout: print, stderr: print },
    })
    .finally(() => {
      done = true
    })
  const ending = endOnAbort(signal, { record, graceMs, table: machine.table, done: () => done })
  try {
    const { exitCode, stdout, stderr } = await call
    await ending.settled()
    signal.throwIfAborted()
    if (NOT_STARTED.includes(exitCode)) throw notStarted(bin, stderr)
    // No code: a signal that was not ours ended it.
    return { exitCode: exitCode ?? -1, stdout, stderr }
  } finally {
    ending.release()
    output?.end()
    await rm(record, { force: true })
  }
}

interface Ended {
  readonly record: string
  readonly graceMs: number
  readonly table: ProcessTable
  /** The call is over. */
  readonly done: () => boolean
}

/** On abort the group goes, also when it is about to be formed. */
function endOnAbort(signal: AbortSignal, { record, graceMs, table, done }: Ended) {
  let ending: Promise<void> = Promise.resolve()
  const end = async () => {
    let leader = await readLeader(record)
    while (!leader && !done()) {
      await table.clock.sleep(10)
      leader = await readLeader(record)
    }
    if (leader) await endGroup(leader, graceMs, done, table)
  }
  const onAbort = () => {
    ending = end()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return { settled: () => ending, release: () => signal.removeEventListener('abort', onAbort) }
}

function notStarted(bin: string, stderr: string): LmrunError {
  return new LmrunError(`${bin} could not be started: ${stderr.trim().split('\n').at(-1)}`, {
    hint: 'Install SkyPilot 0.14.1, or give no path of your own and let lmrun install it.',
  })
}

/** Calls back with each line that carries something, without colour; of a progress bar only its last state. */
function lineSplitter(onLine: (line: string) => void): (data: Buffer) => void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return data => {
    const lines = (rest + decoder.write(data)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const text = stripVTControlCharacters(line).replace(/\r$/, '').split('\r').at(-1)?.trimEnd()
      if (text) onLine(text)
    }
  }
}

function environment(bin: string, inherited: Env): Record<string, string> {
  return {
    SKYPILOT_DISABLE_USAGE_COLLECTION: '1',
    ...given(inherited),
    PATH: searchPath(bin, inherited),
  }
}

/** What `sky` calls in turn (`aws`, `gcloud`) is installed beside it. */
function searchPath(bin: string, { PATH = '' }: Env): string {
  return path.isAbsolute(bin) ? `${path.dirname(bin)}${path.delimiter}${PATH}` : PATH
}

/** The action's inputs, tokens among them, are not for `sky`, nor for an API server that it starts. */
function given(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('INPUT_'),
    ),
  )
}
