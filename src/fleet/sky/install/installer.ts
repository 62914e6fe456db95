import { realpath } from 'node:fs/promises'
import path from 'node:path'
import type { Env } from '../../../env.ts'
import { LmrunError } from '../../../errors.ts'
import { prereleasesFirst, skyRequirement } from './extras.ts'
import { findOnPath } from './on-path.ts'
import { runTool, type ToolCall } from './tool.ts'

/** A way to make a virtual environment with SkyPilot in it, and the Python that it would hold. */
export interface Installer {
  readonly by: 'uv' | 'pip'
  /** Path and version of the Python: a virtual environment is of use only where that same one is. */
  readonly python: string
  readonly install: (folder: string, extras: readonly string[], call: ToolCall) => Promise<void>
}

/** What SkyPilot 0.14 runs on, by its metadata. */
const PYTHONS = ['3.13', '3.12', '3.11', '3.10', '3.9'] as const
const SUPPORTED = '>=3.9,<3.14'

/** @throws LmrunError when neither uv nor a Python that SkyPilot runs on is here */
export async function findInstaller(env: Env, signal: AbortSignal): Promise<Installer> {
  const call = { env, signal }
  const uv = await findOnPath('uv', env)
  if (uv) return uvInstaller(uv, call)
  for (const name of ['python3', ...PYTHONS.map(version => `python${version}`)]) {
    const python = await findOnPath(name, env)
    const id = python && (await pythonId(python, call))
    if (python && id) return pipInstaller(python, id)
  }
  throw new LmrunError('SkyPilot cannot be installed: there is no Python 3.9 to 3.13 on the PATH', {
    hint: 'Install uv (it brings a Python), or a Python; in a workflow add actions/setup-python before this step',
  })
}

async function uvInstaller(uv: string, call: ToolCall): Promise<Installer> {
  const find = () => runTool(uv, ['python', 'find', SUPPORTED], call)
  let found = await find()
  if (found.exitCode !== 0) {
    await must('uv could not get a Python', uv, ['python', 'install', PYTHONS[1]], call)
    found = await find()
  }
  const python = found.stdout.trim().split('\n').at(-1) ?? ''
  const id = await pythonId(python, call)
  if (id === null)
    throw new LmrunError(`uv found no Python that SkyPilot runs on (${SUPPORTED}): ${found.output.join(' ')}`)
  return {
    by: 'uv',
    python: id,
    async install(folder, extras, call) {
      const into = ['pip', 'install', '--python', path.join(folder, 'bin', 'python')]
      await must('no virtual environment could be made', uv, ['venv', '--python', python, folder], call)
      const first = prereleasesFirst(extras)
      if (first.length > 0) await must(FAILED, uv, [...into, '--prerelease', 'allow', ...first], call)
      await must(FAILED, uv, [...into, skyRequirement(extras)], call)
    },
  }
}

function pipInstaller(python: string, id: string): Installer {
  return {
    by: 'pip',
    python: id,
    async install(folder, extras, call) {
      await must('no virtual environment could be made', python, ['-m', 'venv', folder], call)
      const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input']
      await must(FAILED, path.join(folder, 'bin', 'python'), [...pip, skyRequirement(extras)], call)
    },
  }
}

const FAILED = 'SkyPilot could not be installed'

/** `/usr/bin/python3.12 3.12.3`, or null when it is none that SkyPilot runs on. */
async function pythonId(python: string, call: ToolCall): Promise<string | null> {
  const say = 'import sys; print(sys.executable, "%d.%d.%d" % sys.version_info[:3])'
  const result = await runTool(python, ['-c', say], call).catch(() => null)
  call.signal.throwIfAborted()
  const [, executable, version] = /^(.+) (3\.\d+\.\d+)$/m.exec(result?.stdout ?? '') ?? []
  if (!executable || !version) return null
  const minor = version.split('.').slice(0, 2).join('.')
  if (!PYTHONS.some(supported => supported === minor)) return null
  return `${await realpath(executable).catch(() => executable)} ${version}`
}

async function must(what: string, command: string, args: readonly string[], call: ToolCall): Promise<void> {
  const { exitCode, output } = await runTool(command, args, call)
  if (exitCode === 0) return
  throw new LmrunError(`${what}: ${path.basename(command)} ${args[0]} ended with ${exitCode}`, {
    hint: advice(output),
    cause: output.slice(-10).join('\n'),
  })
}

/** What the last lines of uv, pip or venv say about the cause. */
export function advice(output: readonly string[]): string {
  const text = output.join('\n')
  if (/ensurepip is not/i.test(text))
    return 'This Python has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv), or uv'
  if (/No space left/i.test(text)) return 'The disk is full: SkyPilot needs about 1 GB'
  if (
    /resolve host|name resolution|dns error|Connection(Error|Pool| refused| reset)|timed? ?out|unreachable/i.test(
      text,
    )
  )
    return 'The package index cannot be reached: check the network (HTTPS_PROXY, PIP_INDEX_URL, UV_INDEX_URL), or put a `sky` 0.14 on the PATH'
  return 'Install it by hand and put `sky` on the PATH: see https://docs.skypilot.co/en/latest/getting-started/installation.html'
}
