import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest'
import { DISARM_SCRIPT, REMOTE, secretsFile } from '../../../../src/fleet/sky/render/remote-paths.ts'
import { runScript, SECRETS_WAIT_S, setupScript } from '../../../../src/fleet/sky/render/scripts.ts'
import { assignments } from '../../../../src/fleet/sky/ssh/quote.ts'

let home: string
let bin: string

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'lmrun-render-'))
  bin = await mkdtemp(path.join(tmpdir(), 'lmrun-render-bin-'))
  const says = (name: string) => `#!/bin/bash\necho "${name} $*" >> "$HOME/calls"\n`
  await writeFile(path.join(bin, 'shutdown'), says('shutdown'), { mode: 0o755 })
  await writeFile(path.join(bin, 'sudo'), '#!/bin/bash\n[ "$1" != -n ] || shift\nexec "$@"\n', {
    mode: 0o755,
  })
})
afterAll(async () => {
  await rm(home, { recursive: true, force: true })
  await rm(bin, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | string | null
  readonly out: string
  readonly err: string
}

/** Runs a script as SkyPilot does: by bash, from a file. */
async function bash(script: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const file = path.join(home, 'script')
  await writeFile(file, script)
  const vars = { PATH: `${bin}:${process.env.PATH}`, HOME: home, ...env }
  return new Promise(resolve => {
    const child = execFile('bash', [file], { env: vars, cwd: home }, (error, out, err) => {
      resolve({ code: error ? (error.code ?? error.signal ?? null) : 0, out, err })
    })
    child.stdin?.end()
  })
}

const read = (file: string) => readFile(path.join(home, file), 'utf8')
const on = (cloud: string) => ({ SKYPILOT_CLUSTER_INFO: JSON.stringify({ cluster_name: 'vm', cloud }) })

const SCRIPTS = [
  'echo a; exit 7',
  'set -e\necho a\nfalse\necho b',
  'set -euo pipefail\ntrap "echo bye" EXIT\nfalse | true\necho c',
  'exec echo gone',
  'cat << EOF\n  a $HOME\nEOF\n',
  "cat << 'LMRUN_0'\nx\nLMRUN_0\n",
  'trap "echo int; exit 3" INT\nkill -INT $$\nsleep 9',
  'echo "unclosed',
  'if true; then\n',
  'f() { return 4; }; f',
  'echo err >&2; (exit 5)',
  'read -r line || echo no input',
  'echo é "\\\\" \'a\\nb\'\t.',
  'shopt -s extglob\n[[ ab == @(ab|c) ]] && echo ok',
  '',
]

test.each(SCRIPTS)('a script behaves as without us: %j', async script => {
  const bare = await bash(`${script}\n`)
  for (const wrapped of [await bash(setupScript(script, 10)), await bash(runScript(script, [8000]))]) {
    expect(wrapped.code).toBe(bare.code)
    expect(wrapped.out).toBe(bare.out)
    // The name of the file, and the line in it, are the only difference.
    expect(wrapped.err.split('\n').length).toBe(bare.err.split('\n').length)
  }
  expect(await read(REMOTE.setupExit)).toBe(`${bare.code}\n`)
  expect(await read(REMOTE.runExit)).toBe(`${bare.code}\n`)
})

test('whatever it says', async () => {
  const line = fc.oneof(
    fc.constantFrom(...SCRIPTS),
    fc.string().map(text => `printf '%s\\n' '${text.replace(/[\0\r]/g, '').replaceAll("'", "'\\''")}'`),
    fc.constantFrom('set -e', 'false', 'exit 9', 'echo $((1 + 1))', 'trap "echo t" EXIT', '\\', '# EOF'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 5 }), async lines => {
      const script = lines.join('\n')
      const bare = await bash(`${script}\n`)
      const { code, out } = await bash(runScript(script, []))
      expect({ code, out }).toEqual({ code: bare.code, out: bare.out })
    }),
    { numRuns: 40 },
  )
})

test('a run that is killed leaves its code, and no words of ours', async () => {
  expect(await bash(runScript('kill -KILL $$', []))).toEqual({ code: 137, out: '', err: '' })
  expect(await read(REMOTE.runExit)).toBe('137\n')
})

test('the recorded process is the one that runs', async () => {
  const { out } = await bash(runScript(`cmp <(echo $$) ~/${REMOTE.runPid} && echo same`, []))
  expect(out).toBe('same\n')
})

describe('secrets', () => {
  const odd = `it's "q"\n $HOME \\`
  const launch = { LMRUN_LAUNCH: 'a1' }
  const handOver = (values: Record<string, string>) =>
    writeFile(path.join(home, secretsFile('a1')), `${assignments(values)}\n`)
  beforeEach(async () => {
    await rm(path.join(home, '.lmrun'), { recursive: true, force: true })
  })

  it('are there for setup, run, and a run that starts again', async () => {
    const late = bash(setupScript('printf %s "$TOK"', 10, ['TOK']), launch)
    await expect.poll(() => stat(path.join(home, '.lmrun/launch')).catch(() => null)).not.toBeNull()
    await expect(read(REMOTE.setupExit)).rejects.toThrow('ENOENT')
    await handOver({ TOK: odd })
    expect(await late).toMatchObject({ code: 0, out: odd, err: '' })
    const run = runScript('printf %s "$TOK"; exit 7', [], ['TOK'])
    for (const again of [await bash(run, launch), await bash(run, launch)]) {
      expect(again).toMatchObject({ code: 7, out: odd, err: '' })
    }
    // It is neither among the variables of jobs beside this one, nor in the scripts.
    for (const name of await readdir(path.join(home, '.lmrun/launch'))) {
      if (name !== path.basename(secretsFile('a1')))
        expect(await read(`.lmrun/launch/${name}`)).not.toContain(odd)
    }
  })

  it.each(SCRIPTS)('change nothing else: %j', async script => {
    const bare = await bash(`${script}\n`)
    await mkdir(path.join(home, '.lmrun/launch'), { recursive: true })
    // Our own shell goes on with its own.
    await handOver({ PATH: process.env.PATH ?? '', HOME: home, IFS: '_', lmrun_code: '0', TOK: 'x' })
    for (const wrapped of [setupScript(script, 10, ['TOK']), runScript(script, [], ['TOK'])]) {
      expect(await bash(wrapped, launch)).toMatchObject({ code: bare.code, out: bare.out })
    }
  })

  it('of another launch are not taken, and what does not come is said', async () => {
    await mkdir(path.join(home, '.lmrun/launch'), { recursive: true })
    await handOver({ TOK: 'old' })
    const hurried = await mkdtemp(path.join(tmpdir(), 'lmrun-render-hurried-'))
    try {
      await writeFile(path.join(hurried, 'sleep'), '#!/bin/sh\necho "$1" >> "$HOME/slept"\n', { mode: 0o755 })
      const env = { LMRUN_LAUNCH: 'b2', PATH: `${hurried}:${bin}:${process.env.PATH}` }
      const failed = await bash(setupScript('echo never', 10, ['TOK', 'KEY']), env)
      expect(failed).toMatchObject({ code: 1, out: '' })
      expect(failed.err).toMatch(/^lmrun: the secrets \(TOK, KEY\) did not come within 10 minutes/)
      expect(await read('slept')).toBe('1\n'.repeat(SECRETS_WAIT_S))
      expect(await read(REMOTE.setupExit)).toBe('1\n')
      const run = await bash(runScript('echo never', [], ['TOK']), env)
      expect(run).toMatchObject({ code: 1, out: '' })
      expect(await read(REMOTE.runExit)).toBe('1\n')
    } finally {
      await rm(hurried, { recursive: true, force: true })
    }
  })

  it('of a launch by hand are those of its environment', async () => {
    const env = { TOK: 'mine' }
    expect((await bash(setupScript('echo "$TOK"', 10, ['TOK']), env)).out).toBe('mine\n')
    expect((await bash(runScript('echo "$TOK"', [], ['TOK']), env)).out).toBe('mine\n')
  })
})

test('a later launch forgets what the last one left', async () => {
  await bash(runScript('exit 3', []))
  await bash(setupScript('', 10))
  await expect(read(REMOTE.runExit)).rejects.toThrow('ENOENT')
  await expect(read(REMOTE.facts)).rejects.toThrow('ENOENT')
})

test('a machine of its own gets the declared port; VMs of a shared host free ones', async () => {
  const env = { SKYPILOT_NODE_IPS: '10.0.0.7\n10.0.0.8' }
  const run = runScript('echo "$LMRUN_PORT_8000"', [8000, 8001])
  expect((await bash(run, { ...env, ...on('AWS') })).out).toBe('8000\n')
  expect(JSON.parse(await read(REMOTE.facts))).toEqual({
    address: '10.0.0.7',
    ports: { 8000: 8000, 8001: 8001 },
  })
  const { out } = await bash(run, { ...env, ...on('Slurm') })
  expect(Number(out)).toBeGreaterThanOrEqual(20_000)
  const facts = JSON.parse(await read(REMOTE.facts)) as { ports: Record<string, number> }
  expect(facts.ports[8000]).toBe(Number(out))
  const later = await bash(`. ~/${REMOTE.env}; echo "$LMRUN_PORT_8000 $SKYPILOT_CLUSTER_INFO"`)
  expect(later.out).toBe(`${out.trim()} ${on('Slurm').SKYPILOT_CLUSTER_INFO}\n`)
})

test.each(['Slurm', 'Kubernetes', 'SSH', 'RunPod', ''])('nothing is armed on "%s"', async cloud => {
  await rm(path.join(home, 'calls'), { force: true })
  await bash(setupScript('', 10), on(cloud))
  await expect(read('calls')).rejects.toThrow('ENOENT')
  expect((await bash(DISARM_SCRIPT)).code).toBe(0)
})

test('a machine of its own is armed before the setup, and disarmed once', async () => {
  await rm(path.join(home, 'calls'), { force: true })
  const { out } = await bash(setupScript('cat ~/calls', 9.5), on('AWS'))
  expect(out).toBe('shutdown -P +10\n')
  expect((await bash(DISARM_SCRIPT)).code).toBe(0)
  expect((await bash(DISARM_SCRIPT)).code).toBe(0)
  expect(await read('calls')).toBe('shutdown -P +10\nshutdown -c\n')
})
