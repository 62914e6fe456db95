/** EC2 by moto, a stand-in that others maintain: pinned, in a venv of a cache folder outside the repository. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const REQUIREMENT = 'moto[ec2,server]==5.2.5'
const run = promisify(execFile)

export interface Moto extends AsyncDisposable {
  readonly url: string
}

export async function startMoto(): Promise<Moto> {
  const venv = await motoVenv()
  // Port 0: the kernel chooses, werkzeug says which.
  const child = spawn(path.join(venv, 'bin', 'python'), ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGKILL')
    await exited
  }
  for await (const line of createInterface(child.stderr)) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
    if (url === undefined) continue
    child.stderr.resume()
    return { url, [Symbol.asyncDispose]: stop }
  }
  await stop()
  throw new Error('moto ended before it listened')
}

/** Folder of a venv with moto. Made beside and renamed, so that one that was interrupted is never used. */
export async function motoVenv(): Promise<string> {
  const cache = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'lmrun-ci')
  const venv = path.join(cache, 'moto-5.2.5')
  if (await stat(venv).catch(() => null)) return venv
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(path.join(cache, 'moto-draft-'))
  try {
    await run('python3', ['-m', 'venv', draft])
    await run(path.join(draft, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', REQUIREMENT])
    await rename(draft, venv).catch(async error => {
      // Another one was quicker.
      if (!(await stat(venv).catch(() => null))) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return venv
}
