import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { writeAtomically } from '../../files.ts'

/** Where a VM keeps what, below `<home>/vms/<name>/`. */
export interface VmFolder {
  readonly root: string
  /** VmRecord: written by the launcher, never changed by the VM. */
  readonly record: string
  /** KeeperRecord: written by the keeper when it is there. */
  readonly keeper: string
  /** Lease: rewritten by every renewal. */
  readonly lease: string
  /** Present while the VM is being ended: nothing starts in it any more. */
  readonly ending: string
  /** The working folder of jobs. */
  readonly work: string
  /** First on the PATH of jobs. */
  readonly bin: string
  /** `<n>.json`: what job n shall run, until the keeper has read it. */
  readonly requests: string
  /** The keeper's own output, for when it fails. */
  readonly keeperLog: string
  readonly job: (id: number) => JobFolder
  readonly jobs: string
}

export interface JobFolder {
  readonly root: string
  /** JobRecord. */
  readonly state: string
  readonly log: string
  readonly script: string
}

export function vmFolder(home: string, name: string): VmFolder {
  const root = path.join(home, 'vms', name)
  const at = (...parts: string[]) => path.join(root, ...parts)
  return {
    root,
    record: at('vm.json'),
    keeper: at('keeper.json'),
    lease: at('lease.json'),
    ending: at('ending'),
    work: at('work'),
    bin: at('bin'),
    requests: at('requests'),
    keeperLog: at('keeper.log'),
    jobs: at('jobs'),
    job: id => ({
      root: at('jobs', String(id)),
      state: at('jobs', String(id), 'state.json'),
      log: at('jobs', String(id), 'log'),
      script: at('jobs', String(id), 'run.sh'),
    }),
  }
}

export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeAtomically(file, `${JSON.stringify(value)}\n`, { mode: 0o600 })
}

/** Null when the file is not there, or does not hold what `is` wants (a half-written folder). */
export async function readJson<T>(file: string, is: (value: unknown) => value is T): Promise<T | null> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    return is(value) ? value : null
  } catch {
    return null
  }
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
