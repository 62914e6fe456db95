/**
 * A cloud of this one machine: the real `sky` with a loopback Slurm, from packages, in a folder under the system's
 * temp folder. Needs Debian and root. Labs can stand side by side; all of them launch one VM after another.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { type Left, processesWith } from '../processes.ts'

const run = promisify(execFile)

/** SkyPilot's infra for the lab. */
export const INFRA = 'slurm/lab'

/** The server, its executors, and what Python starts beside those. */
const SERVER = /sky\.server|^SkyPilot:|multiprocessing/

/** A user of a lab: with a HOME, and so an API server and VMs, of their own. */
export interface LabUser {
  readonly lab: string
  readonly home: string
  /** HOME, PATH with `sky`, ports. */
  readonly env: Readonly<Record<string, string>>
  /** Names of the VMs that Slurm runs for anybody, whatever SkyPilot says. */
  machines(): Promise<readonly string[]>
  /** Runs `sky ARGS…`; stdout, whatever the exit code. */
  sky(...args: string[]): Promise<string>
  /** The API server's processes, also those that outlive it. */
  server(): readonly Left[]
  /** A Python with SkyPilot's library. */
  readonly python: string
}

/** Brings a lab up. Resolves with its folder. @throws Error after the set-up has said why */
export async function startLab(): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-lab-'))
  const owner = String(process.pid)
  // It ends the lab when its input ends: now, or when this process is killed.
  const keeper = script('keep.sh', { LAB: folder, USER_NAME: `skylab${owner}` })
  const end = async () => {
    keeper.child.stdin?.end()
    await keeper.ended
  }
  try {
    await script('up.sh', { LAB: folder, OWNER: owner }).ended
  } catch (error) {
    await end()
    throw error
  }
  return { folder, [Symbol.asyncDispose]: end }
}

export async function labUser(lab: string, name: string): Promise<LabUser> {
  const home = path.join(lab, 'users', name)
  await mkdir(home, { recursive: true })
  await cp(path.join(lab, 'slurm'), path.join(home, '.slurm'), { recursive: true })
  // What SkyPilot keeps outside of HOME carries the lab's own mark, and lies in the lab.
  await mkdir(path.join(home, '.sky'), { recursive: true })
  await writeFile(path.join(home, '.sky', 'user_hash'), await readFile(path.join(lab, 'etc', 'user_hash')))
  await writeFile(
    path.join(home, '.sky', 'config.yaml'),
    `slurm: { cluster_configs: { lab: { tmpdir: ${path.join(lab, 'tmp')} } } }\n`,
  )
  const lines = (await readFile(path.join(lab, 'env'), 'utf8')).trim().split('\n')
  const env = {
    ...Object.fromEntries(lines.map(line => line.split(/=(.*)/s).slice(0, 2))),
    HOME: home,
    SKYPILOT_API_SERVER_LOCAL_PORT: String(await freePort()),
  }
  const all = { env: { ...process.env, ...env }, maxBuffer: 1 << 26 }
  return {
    lab,
    home,
    env,
    machines: async () => {
      const { stdout } = await run('squeue', ['--noheader', '--format=%j'], all)
      const names = stdout.split('\n').filter(name => name !== '')
      // SkyPilot adds the user's hash.
      return names.map(name => name.replace(/-[0-9a-f]{8}$/, ''))
    },
    sky: async (...args) => {
      const ended = await run('sky', args, all).catch((error: { stdout: string }) => error)
      return ended.stdout
    },
    python: path.join(lab, 'bin', 'sky-python'),
    server: () => processesWith(home).filter(({ command }) => SERVER.test(command)),
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/** Shown as it goes: a set-up that installs packages takes a minute. */
function script(name: string, variables: Readonly<Record<string, string>>) {
  const file = path.join(import.meta.dirname, name)
  const child = spawn('bash', [file], {
    env: { ...process.env, ...variables },
    // Inherited output: pipes would be held open by the daemons that it starts.
    stdio: ['pipe', 'inherit', 'inherit'],
    // Ctrl-C is for the tests: what ends the lab must outlive them.
    detached: true,
  })
  const ended = once(child, 'exit').then(([code]) => {
    if (code !== 0) throw new Error(`${name} of the SkyPilot lab ended with ${code}: see what it said above`)
  })
  ended.catch(() => {})
  return { child, ended }
}
