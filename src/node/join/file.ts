import { rm } from 'node:fs/promises'
import path from 'node:path'
import { LmrunError } from '../../errors.ts'
import { type Join, joinSchema } from '../../mesh-join.ts'
import { JOIN_FILE } from '../../mesh-names.ts'
import { readIfThere } from '../files.ts'
import { userHomes } from '../home.ts'
import type { System } from '../system.ts'

/** Milliseconds: main may be launched at the same time as this VM. */
const WAIT_MS = 30 * 60_000
const LOOK_MS = 1000
/** A file that is being written is whole after this. */
const WHOLE_MS = 10_000

export interface Found {
  readonly join: Join
  /** To be deleted once the VM has joined. */
  readonly file: string
}

/** What the run has written for this VM; null when it has not, or is at it. */
export async function findJoinFile(system: System): Promise<Found | null> {
  return firstWhole(await readJoinFiles(system))
}

/** @throws LmrunError when none has come in time, or it is none */
export async function waitForJoinFile(system: System): Promise<Found> {
  const { clock, signal, log } = system
  const until = clock.now() + WAIT_MS
  let broken: number | null = null
  for (let told = false; clock.now() < until; ) {
    const files = await readJoinFiles(system)
    const found = firstWhole(files)
    if (found) return found
    broken = files.length > 0 ? (broken ?? clock.now()) : null
    if (broken !== null && clock.now() - broken >= WHOLE_MS) {
      throw new LmrunError(`~/${JOIN_FILE} is none of this version`, {
        hint: 'The run and the VM have to be of the same version of lmrun.',
      })
    }
    if (!told) log(`waiting for the run to let this VM in: ~/${JOIN_FILE}`)
    told = true
    await clock.sleep(LOOK_MS, signal)
  }
  throw new LmrunError(`nobody let this VM into the mesh for ${WAIT_MS / 60_000} minutes`, {
    hint: `The run writes ~/${JOIN_FILE} over ssh once main is up: look at its log.`,
  })
}

/** It holds a secret, and has done what it was for. */
export async function deleteJoinFile({ root }: System, { file }: Found): Promise<void> {
  await rm(path.join(root, file), { force: true })
}

interface Written {
  readonly file: string
  readonly content: string
}

/** Those that are there, the likeliest first. */
async function readJoinFiles(system: System): Promise<Written[]> {
  const files = (await userHomes(system)).map(({ folder }) => path.join(folder, JOIN_FILE))
  const contents = await Promise.all(files.map(file => readIfThere(path.join(system.root, file))))
  return files.flatMap((file, at) => {
    const content = contents[at] ?? null
    return content === null ? [] : [{ file, content }]
  })
}

function firstWhole(files: readonly Written[]): Found | null {
  for (const { file, content } of files) {
    const join = parse(content)
    if (join) return { join, file }
  }
  return null
}

function parse(content: string): Join | null {
  try {
    return joinSchema.parse(JSON.parse(content))
  } catch {
    return null
  }
}
