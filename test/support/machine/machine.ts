/**
 * A machine with users, packages, processes and a network of its own, made of namespaces and of this one's files; what
 * changes in it goes with it. Needs Linux and root, or sudo without a password.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { packageRoot } from '../../../src/env.ts'

const exec = promisify(execFile)

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Machine extends AsyncDisposable {
  /** Runs a script of bash: as `root`, or as `vm`, who may use sudo unless said otherwise. */
  run(who: keyof typeof WHO, script: string): Promise<Ran>
}

const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
const NAMESPACES = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child']
const AS_VM = ['env', '-i', 'HOME=/home/vm', 'PATH=/usr/local/bin:/usr/bin:/bin', 'LANG=C.UTF-8']
const VM = ['setpriv', '--reuid', 'vm', '--regid', 'vm', '--init-groups', ...AS_VM]
const WHO = {
  root: [],
  vm: VM,
  'vm without sudo': ['setpriv', '--no-new-privs', ...VM],
  // What Kubernetes takes from the root of a pod.
  'vm in a pod': ['setpriv', '--bounding-set', '-sys_admin,-net_admin', ...VM],
}

export async function startMachine(): Promise<Machine> {
  const deb = await sudoPackage()
  const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-machine-'))
  const up = path.join(import.meta.dirname, 'up.sh')
  const words = ['unshare', ...NAMESPACES, 'bash', up, folder, packageRoot(), process.execPath, ...deb]
  const [file = '', ...args] = [...asRoot, ...words]
  const child = spawn(file, args, { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const end = async () => {
    child.stdin.end()
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  for await (const pid of createInterface(child.stdout)) {
    const inside = ['nsenter', '--target', pid, '--mount', '--net', '--pid', '--ipc', '--uts', '--wdns=/']
    return {
      run: (who, script) => run([...asRoot, ...inside, ...WHO[who], 'bash', '-c', script]),
      [Symbol.asyncDispose]: end,
    }
  }
  await end()
  throw new Error('the machine did not come up: see what it said above')
}

function run([file = '', ...args]: readonly string[]): Promise<Ran> {
  return new Promise(resolve => {
    execFile(file, args, { maxBuffer: 1 << 26 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err })
    })
  })
}

/** The file of Debian's package, kept outside of the repository; none where the machine has sudo. */
async function sudoPackage(): Promise<readonly string[]> {
  if (await exec('sudo', ['-V']).catch(() => null)) return []
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache')
  const folder = path.join(cache, 'lmrun-ci', 'sudo')
  await mkdir(folder, { recursive: true })
  const kept = async () => (await readdir(folder)).filter(name => name.endsWith('.deb')).slice(0, 1)
  if ((await kept()).length === 0) {
    const download = () => exec('apt-get', ['download', 'sudo'], { cwd: folder })
    await download().catch(async () => {
      await exec('apt-get', ['-o', 'DPkg::Lock::Timeout=120', 'update', '-qq'])
      await download()
    })
  }
  return (await kept()).map(name => path.join(folder, name))
}
