import { constants } from 'node:fs'
import { access, open, readdir, realpath } from 'node:fs/promises'
import path from 'node:path'
import type { Env } from '../../../env.ts'
import { runTool } from './tool.ts'

/** The first executable of that name in the PATH. */
export async function findOnPath(name: string, env: Env): Promise<string | null> {
  for (const folder of (env.PATH ?? '').split(path.delimiter).filter(path.isAbsolute)) {
    const file = path.join(folder, name)
    const ok = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (ok) return file
  }
  return null
}

/**
 * The version of a `sky`; null when it cannot be told. Read from the package beside the Python that its first line
 * names, because `sky --version` takes seconds; asked of the command only when there is no such package.
 */
export async function skyVersion(bin: string, env: Env, signal: AbortSignal): Promise<string | null> {
  const python = interpreterOf(await head(await realpath(bin).catch(() => bin)))
  const read = python === null ? null : await packageVersion(path.dirname(path.dirname(python)))
  if (read !== null) return read
  try {
    const { exitCode, stdout } = await runTool(bin, ['--version'], { env, signal })
    return exitCode === 0 ? (/version (\S+)/.exec(stdout)?.[1] ?? null) : null
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Error && 'code' in error) return null
    throw error
  }
}

/** The version of SkyPilot in a virtual environment (or a Python's own prefix), by the name of its metadata folder. */
export async function packageVersion(prefix: string): Promise<string | null> {
  const pythons = await names(path.join(prefix, 'lib'))
  for (const python of pythons.filter(name => /^python3\.\d+$/.test(name))) {
    const packages = await names(path.join(prefix, 'lib', python, 'site-packages'))
    const found = packages
      .map(name => /^skypilot(?:_nightly)?-(.+)\.dist-info$/.exec(name)?.[1])
      .find(version => version !== undefined)
    if (found !== undefined) return found
  }
  return null
}

/** The Python of a script that pip or uv wrote: `#!/…/python`, or by way of sh when the path is long or has spaces. */
export function interpreterOf(script: string): string | null {
  const [first = '', second = ''] = script.split('\n')
  const direct = /^#!\s*(\/.*\/python[\d.]*)\s*$/.exec(first)?.[1]
  const bySh = /^'''exec' "?(\/[^"]*?\/python[\d.]*)"? /.exec(second)?.[1]
  return direct ?? bySh ?? null
}

async function head(file: string): Promise<string> {
  const handle = await open(file).catch(() => null)
  if (!handle) return ''
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1024), 0, 1024, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

async function names(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => [])
}
