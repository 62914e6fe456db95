import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { packageRoot } from '../../src/env.ts'

/** Templates as people use them from their own folder, without lmrun. */
const templates = path.join(packageRoot(), 'templates')
let home: string

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'lmrun-by-hand-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

async function program(file: string, text: string): Promise<void> {
  const full = path.join(home, file)
  await mkdir(path.dirname(full), { recursive: true })
  await writeFile(full, `#!/bin/bash\n${text}\n`, { mode: 0o755 })
}

function run(command: readonly string[], env: Record<string, string> = {}) {
  const [file = '', ...args] = command
  return new Promise<{ code: number; out: string; err: string }>(resolve => {
    const all = { PATH: `${home}/bin:${process.env.PATH}`, HOME: home, ...env }
    execFile(file, args, { env: all, cwd: home }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err })
    })
  })
}

test.each([
  [
    'run-qwen-coder.sh',
    'qwen-coder',
    'Qwen/Qwen2.5-Coder-32B-Instruct',
    'b47205940b83b5b484577359f71ee7b88472df67',
  ],
  ['run-sky-t1.sh', 'sky-t1', 'NovaSky-AI/Sky-T1-32B-Preview', '1e3f4c62a30c7ce70f4b3a3b952895d866943551'],
])('%s serves its model at its revision, from any folder', async (file, name, model, revision) => {
  await program('bin/sky', 'pwd; printf "[%s]" "$@"')
  const { code, out } = await run([path.join(templates, file), '-i', '30', '--down', '--env', 'A=b c'])
  expect(code).toBe(0)
  expect(out).toBe(
    `${templates}\n[launch][-c][${name}][model-server.yaml][--env][MODEL=${model}][--env][VERSION=${revision}]` +
      '[-i][30][--down][--env][A=b c]',
  )
})

test('no template has a lease that ends a VM at work: that is laid over by a run', async () => {
  const files = (await readdir(templates, { recursive: true })).filter(file => file.endsWith('.yaml'))
  expect(files.length).toBeGreaterThan(4)
  for (const file of files) {
    const template = parse(await readFile(path.join(templates, file), 'utf8'))
    expect(template.resources?.autostop, file).toBeUndefined()
  }
})

async function serverScript(part: 'setup' | 'run') {
  const template = parse(await readFile(path.join(templates, 'model-server.yaml'), 'utf8'))
  const envs = { ...template.envs, MODEL: 'org/model' }
  return (env: Record<string, string> = {}) =>
    run(['bash', '--norc', '-c', template[part]], { ...envs, ...env })
}

test('the server serves under its VM’s name, with memory to spare; given options win', async () => {
  await program('.lmrun/vllm/bin/python', 'cat > /dev/null; echo 31120')
  await program('.lmrun/vllm/bin/vllm', 'printf "[%s]" "$@"')
  const serve = await serverScript('run')
  const { code, out } = await serve({
    SKYPILOT_CLUSTER_INFO: '{"cluster_name": "qwen-coder"}',
    SKYPILOT_NUM_GPUS_PER_NODE: '4',
    VERSION: 'c0ffee',
    SERVE_OPTS: '--max-model-len 8192',
  })
  expect(code).toBe(0)
  expect(out).toBe(
    '[serve][org/model][--revision][c0ffee][--served-model-name][qwen-coder][--host][0.0.0.0][--port][8000]' +
      '[--tensor-parallel-size][4][--gpu-memory-utilization][0.94][--max-model-len][31120][--max-model-len][8192]',
  )
  expect(JSON.parse(await readFile(path.join(home, 'served.json'), 'utf8'))).toMatchObject({
    model: 'org/model',
    revision: 'c0ffee',
    context: 8192,
  })
})

/** A python3 whose environments hold a pip and a uv that only note what is asked of them. */
const INSTALLER = `[ "$1 $2" = "-m venv" ] || exit 1
mkdir -p "$3/bin"
for name in pip uv; do
  printf '#!/bin/bash\\necho "$0 $*" | sed "s|$HOME|~|g" >> "$HOME/asked"\\n' > "$3/bin/$name"
  chmod 755 "$3/bin/$name"
done`

test('weights come while vLLM is installed, and are asked for again', async () => {
  await program('bin/python3', INSTALLER)
  await program(
    '.lmrun/hub/bin/hf',
    'echo "hf $*" >> ~/asked; [ "$(grep -c "^hf" ~/asked)" -ge 3 ] && [ "$VERSION" != "" ]',
  )
  await program('bin/sudo', 'echo "sudo $*" >> ~/asked')
  const setup = await serverScript('setup')
  expect(await setup({ VERSION: 'c0ffee' })).toMatchObject({ code: 0 })
  expect(await setup({ VERSION: 'c0ffee', LMRUN_MESH: 'off' })).toMatchObject({ code: 0 })
  const asked = await readFile(path.join(home, 'asked'), 'utf8')
  // By hand it joins the mesh; a run may have none.
  expect(asked.match(/^sudo .*/gm)).toEqual(['sudo -E ./k3s_agent --port 8000'])
  expect(asked.match(/^hf .*/gm)).toEqual(Array(4).fill('hf download org/model --revision c0ffee'))
  expect(asked).toMatch(/uv pip install --quiet --python \S+ vllm==0\.33\.0/)
  const failed = await setup()
  expect(failed).toMatchObject({ code: 1 })
  expect(failed.err).toContain(
    'the weights of org/model could not be fetched; a gated model needs the secret HF_TOKEN',
  )
})
