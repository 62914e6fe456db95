/**
 * A cloud of this one machine: the real `sky` with a loopback Slurm, from packages, in a folder under the system's
 * temp folder. Needs Debian and root. Labs can stand side by side; all of them launch one VM after another.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Lab {
  readonly folder: string
  /** What a user of the lab has in the environment: HOME, PATH with `sky`, the ports. */
  readonly env: Readonly<Record<string, string>>
}

/** SkyPilot's infra for the lab. */
export const INFRA = 'slurm/lab'

/** @throws Error with the end of what the set-up said */
export async function startLab(): Promise<Lab & AsyncDisposable> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-lab-'))
  const owner = String(process.pid)
  const end = () => script('down.sh', { LAB: folder, USER_NAME: `skylab${owner}` })
  try {
    await script('up.sh', { LAB: folder, OWNER: owner })
    return { ...(await openLab(folder)), [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

/** A lab that stands. */
export async function openLab(folder: string): Promise<Lab> {
  const lines = (await readFile(path.join(folder, 'env'), 'utf8')).trim().split('\n')
  const env = Object.fromEntries(lines.map(line => line.split(/=(.*)/s).slice(0, 2)))
  return { folder, env }
}

/** Names of the VMs that Slurm runs: SkyPilot puts its user's hash behind them. */
export async function machines({ env }: Lab): Promise<string[]> {
  const { stdout } = await run('squeue', ['--noheader', '--format=%j'], { env: { ...process.env, ...env } })
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.replace(/-[0-9a-f]{8}$/, ''))
}

/** Shown as it goes: a set-up that installs packages takes a minute. */
async function script(name: string, variables: Readonly<Record<string, string>>): Promise<void> {
  const file = path.join(import.meta.dirname, name)
  // Inherited output: pipes would be held open by the daemons that it starts.
  const child = spawn('bash', [file], { env: { ...process.env, ...variables }, stdio: 'inherit' })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (code !== 0) throw new Error(`${name} of the SkyPilot lab ended with ${code}: see what it said above`)
}
