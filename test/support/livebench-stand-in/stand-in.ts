/**
 * A git repository that behaves as LiveBench does, as far as its three programs are driven: `livebench/*.py` beside this
 * file. Its exit codes lie as the real ones do; what goes wrong is committed with it.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '../../../src/env.ts'

export interface Faults {
  /** A folder with live_bench/<category>/<task>/question.jsonl; without one the hub cannot be reached. */
  readonly hub?: string
  /** Answer number N of the first program is cut off in the middle of its line, and the program with it. */
  readonly dieAt?: number
  /** Grading ends before it judges anything. */
  readonly crash?: boolean
  /** Question ids: their grader fails, as long as the file `mended` is not there. */
  readonly graderFails?: readonly string[]
  readonly mended?: string
  /** Question ids that get no judgment, without a word. */
  readonly lost?: readonly string[]
  /** Question ids that are taken out of the scores. */
  readonly excluded?: readonly string[]
  /** The name that judgments give every model. */
  readonly knownAs?: string
  /** A port of this machine: whoever grades says whether it can be reached. */
  readonly port?: number
}

export interface LiveBench {
  readonly repository: string
  readonly commit: string
}

export async function createLiveBench(folder: string, faults: Faults): Promise<LiveBench> {
  const source = path.join(packageRoot(), 'test/support/livebench-stand-in')
  await mkdir(folder, { recursive: true })
  for (const name of ['livebench', 'pyproject.toml']) {
    const filter = (file: string) => !file.endsWith('__pycache__')
    await cp(path.join(source, name), path.join(folder, name), { recursive: true, filter })
  }
  await writeFile(path.join(folder, 'faults.json'), JSON.stringify(faults))
  const git = async (...args: readonly string[]) => {
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
    const who = ['-c', 'user.name=stand-in', '-c', 'user.email=stand-in@example.com']
    return (await promisify(execFile)('git', ['-C', folder, ...who, ...args], { env })).stdout.trim()
  }
  await git('init', '--quiet')
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'stand-in')
  return { repository: folder, commit: await git('rev-parse', 'HEAD') }
}
