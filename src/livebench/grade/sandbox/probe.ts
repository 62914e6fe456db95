import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { currentEnv } from '../../../env.ts'
import { SandboxProcess } from './process.ts'

/** What keeps model-written code from the rest of the machine, and what is open to it where a layer is missing. */
export const LAYERS = {
  namespaces: 'the code is in the same network and process namespaces as everything else',
  landlock: 'the code can read what its user may read, expected outputs among it',
  seccomp: 'the code can start processes and open sockets',
  unprivileged: 'the code runs as root, without capabilities',
  rlimits: 'memory and CPU time are not limited',
} as const

export interface Sandbox {
  /** What runs Python, to be followed by Python's own arguments. */
  readonly command: readonly string[]
  /** Names of LAYERS that hold. */
  readonly layers: readonly string[]
}

const unshare = [
  'setpriv',
  '--pdeathsig',
  'KILL',
  'unshare',
  '--net',
  '--pid',
  '--ipc',
  '--mount',
  '--mount-proc',
]
const forked = ['--fork', '--kill-child']

/** Ways to start Python, the best first. Namespaces as root, else in a user namespace, else none. */
function prefixes(): readonly (readonly string[])[] {
  const asUser = [...unshare, '--user', '--map-current-user', ...forked]
  return process.getuid?.() === 0 ? [[...unshare, ...forked], asUser, []] : [asUser, []]
}

/**
 * Finds the Python and the way to start it that give most layers, by trying.
 * @returns null when there is no Python 3 that starts
 */
export async function probeSandbox(signal: AbortSignal): Promise<Sandbox | null> {
  let best: Sandbox | null = null
  for (const python of await pythons(signal)) {
    for (const prefix of prefixes()) {
      const sandbox = await tryCommand([...prefix, python], signal)
      if (sandbox && sandbox.layers.length > (best?.layers.length ?? 0)) best = sandbox
      if (best?.layers.length === Object.keys(LAYERS).length) return best
    }
  }
  return best
}

/** One line a layer that is missing, for the log and the report. */
export function sandboxWarnings(sandbox: Sandbox | null): string[] {
  if (sandbox === null) return ['No python3 was found, so that code could not be graded']
  return Object.entries(LAYERS)
    .filter(([layer]) => !sandbox.layers.includes(layer))
    .map(([layer, open]) => `Model-written code ran without ${layer}: ${open}`)
}

async function tryCommand(command: readonly string[], signal: AbortSignal): Promise<Sandbox | null> {
  try {
    const { process, layers } = await SandboxProcess.start(command, 'model', signal)
    await process[Symbol.asyncDispose]()
    return { command, layers }
  } catch {
    signal.throwIfAborted()
    return null
  }
}

/**
 * Python's own path, since the one on PATH may be a script that needs its environment; and the system's, which
 * another user can read where the first lies in a home.
 */
async function pythons(signal: AbortSignal): Promise<string[]> {
  try {
    const env = { PATH: currentEnv().PATH, HOME: currentEnv().HOME }
    const args = ['-I', '-c', 'import sys; print(sys.executable)']
    const { stdout } = await promisify(execFile)('python3', args, { env, signal, timeout: 30_000 })
    return [...new Set([stdout.trim(), '/usr/bin/python3'])]
  } catch {
    signal.throwIfAborted()
    return ['/usr/bin/python3']
  }
}
