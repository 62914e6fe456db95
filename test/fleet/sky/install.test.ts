import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FolderCache } from '../../../src/fleet/sky/install/actions-cache.ts'
import { isUsableSky, skyExtras, skyRequirement } from '../../../src/fleet/sky/install/extras.ts'
import { advice } from '../../../src/fleet/sky/install/installer.ts'
import { interpreterOf } from '../../../src/fleet/sky/install/on-path.ts'
import { findOrInstallSky, installKey } from '../../../src/fleet/sky/install.ts'

let home: string
let bin: string
let log: string[]
let warnings: string[]

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'lmrun-install-'))
  bin = path.join(home, 'bin')
  log = []
  warnings = []
  await mkdir(bin)
  // What the stand-ins themselves need, and no Python or uv of this machine.
  for (const tool of ['sh', 'mkdir', 'cat', 'chmod', 'sleep']) {
    await symlink(await which(tool), path.join(bin, tool))
  }
})

afterEach(() => rm(home, { recursive: true, force: true }))

describe('the extras of an infra', () => {
  it.each([
    [['aws'], ['aws']],
    [['aws/us-east-1', 'AWS/eu-west-1/eu-west-1a'], ['aws']],
    [
      ['k8s/context', 'kubernetes', 'gcp/us-central1'],
      ['gcp', 'kubernetes'],
    ],
    [['slurm/lab/gpu'], ['slurm']],
    [[], ['server']],
  ])('%j → %j', (infra, extras) => expect(skyExtras(infra)).toEqual(extras))

  it('depend on neither order nor repetition', () => {
    const place = fc.constantFrom('aws', 'aws/us-east-1', 'gcp', 'k8s/a', 'lambda', 'runpod')
    fc.assert(
      fc.property(fc.array(place), infra => {
        expect(skyExtras([...infra, ...infra].reverse())).toEqual(skyExtras(infra))
      }),
    )
  })

  it('are pinned with the package', () => {
    expect(skyRequirement(['aws', 'gcp'])).toBe('skypilot[aws,gcp]==0.14.1')
    expect(skyRequirement([])).toBe('skypilot==0.14.1')
  })
})

describe('the sky on the PATH', () => {
  it('is taken when the package beside its Python is of a known release, without being run', async () => {
    await skyInVenv('0.14.3', 'exit 9')
    expect(await find()).toEqual({ bin: path.join(bin, 'sky'), version: '0.14.3' })
  })

  it('is asked when its package cannot be found', async () => {
    await script('sky', 'echo "skypilot, version 0.14.1"')
    expect(await find()).toMatchObject({ version: '0.14.1' })
  })

  it('is refused when it is of another release: both would use ~/.sky', async () => {
    await skyInVenv('0.11.1', 'exit 9')
    await expect(find()).rejects.toMatchObject({
      name: 'InputError',
      problems: [{ where: path.join(bin, 'sky'), what: 'SkyPilot 0.11.1' }],
    })
  })

  it('is refused when it does not say its version', async () => {
    await script('sky', 'exit 3')
    await expect(find()).rejects.toThrow('version cannot be told')
  })

  it('is taken whatever it is when the API server is shared', async () => {
    await script('sky', 'exit 3')
    expect(await find({ env: { SKYPILOT_API_SERVER_ENDPOINT: 'http://127.0.0.1:1' } })).toEqual({
      bin: path.join(bin, 'sky'),
      version: 'unknown',
    })
  })

  it.each([
    ['#!/opt/venv/bin/python\nimport sys', '/opt/venv/bin/python'],
    ['#!/opt/venv/bin/python3.12\n', '/opt/venv/bin/python3.12'],
    [`#!/bin/sh\n'''exec' "/a long/bin/python3" "$0" "$@"\n`, '/a long/bin/python3'],
    [`#!/bin/sh\n'''exec' /long/bin/python3 "$0" "$@"\n`, '/long/bin/python3'],
    ['#!/usr/bin/env bash\nexec pyenv', null],
    ['', null],
  ])('names its Python: %j', (text, python) => expect(interpreterOf(text)).toBe(python))

  it.each([
    ['0.14.0', true],
    ['0.14.1', true],
    ['0.14.2rc1', false],
    ['0.14.1.post1', true],
    ['0.13.9', false],
    ['0.15.0', false],
    ['1.14.1', false],
    ['1.0.0.dev20260101', false],
  ])('%s: %s', (version, usable) => expect(isUsableSky(version)).toBe(usable))
})

describe('an install of our own', () => {
  it('is made by uv, once, and found again', async () => {
    await uv()
    const first = await find({ infra: ['aws', 'k8s'] })
    expect(first.version).toBe('0.14.1')
    expect(await readFile(first.bin, 'utf8')).toContain('sky')
    expect(await find({ infra: ['kubernetes', 'aws/us-east-1'] })).toEqual(first)
    expect(await calls()).toEqual(['venv', 'pip install skypilot[aws,kubernetes]==0.14.1'])
    expect(log.join('\n')).toContain('Installing SkyPilot 0.14.1 for aws, kubernetes by uv')
  })

  it('that was used last does for who only lists and ends VMs', async () => {
    await uv()
    await find({ infra: ['gcp'] })
    const aws = await find({ infra: ['aws'] })
    expect(await find({ infra: [] })).toEqual(aws)
    const gcp = await find({ infra: ['gcp'] })
    expect(await find({ infra: [] })).toEqual(gcp)
    expect((await calls()).filter(call => call === 'venv')).toHaveLength(2)
  })

  it('is made by pip where there is no uv', async () => {
    await python('3.11.7')
    await find({ infra: ['gcp'] })
    expect(await calls()).toEqual(['venv', 'pip install skypilot[gcp]==0.14.1'])
  })

  it('has no extras when the API server is shared', async () => {
    await uv()
    await find({ env: { SKYPILOT_API_SERVER_ENDPOINT: 'http://127.0.0.1:1' } })
    expect(await calls()).toEqual(['venv', 'pip install skypilot==0.14.1'])
  })

  it('allows pre-releases to azure-cli alone', async () => {
    await uv()
    await find({ infra: ['azure'] })
    expect(await calls()).toEqual([
      'venv',
      'pip install --prerelease allow azure-cli>=2.65.0,<2.87.0',
      'pip install skypilot[azure]==0.14.1',
    ])
  })

  it('looks for a newer Python beside an old python3', async () => {
    await python('3.8.1')
    await python('3.12.1', 'python3.12')
    expect(await find()).toMatchObject({ version: '0.14.1' })
  })

  it('says what is missing when there is no Python that will do', async () => {
    await python('3.8.1')
    await expect(find()).rejects.toMatchObject({
      message: expect.stringContaining('no Python 3.9 to 3.13'),
      hint: expect.stringContaining('uv'),
    })
  })

  it('that fails leaves nothing that could be taken for one', async () => {
    await uv('echo "error: dns error: failed to lookup" >&2; exit 2')
    await expect(find()).rejects.toMatchObject({
      message: expect.stringContaining('could not be installed'),
      hint: expect.stringContaining('cannot be reached'),
    })
    expect(await installs()).toEqual([])
    await uv()
    expect(await find()).toMatchObject({ version: '0.14.1' })
  })

  it('that is given up leaves nothing either', async () => {
    await uv('sleep 600')
    const stop = new AbortController()
    const given = find({ signal: stop.signal })
    while (!(await calls()).some(call => call.startsWith('pip'))) await new Promise(r => setTimeout(r, 20))
    stop.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    expect(await installs()).toEqual([])
  })

  it('is one when two ask at once', async () => {
    await uv()
    const [a, b] = await Promise.all([find(), find()])
    expect(a).toEqual(b)
    expect((await installs()).filter(name => name !== 'current')).toHaveLength(1)
  })

  it('is made again when its Python is gone', async () => {
    await uv()
    const { bin: sky } = await find()
    await rm(path.join(path.dirname(sky), 'python'))
    expect(await find()).toEqual({ bin: sky, version: '0.14.1' })
    expect((await calls()).filter(call => call === 'venv')).toHaveLength(2)
  })

  it('goes to the tool cache of a runner, and to the Actions cache', async () => {
    await uv()
    const saved: string[] = []
    const env = { GITHUB_ACTIONS: 'true', RUNNER_TOOL_CACHE: path.join(home, 'tools') }
    const cache = {
      restore: async () => false,
      save: async (_: string, key: string) => void saved.push(key),
    }
    const { bin: sky } = await find({ env, cache })
    expect(sky.startsWith(path.join(home, 'tools', 'lmrun-sky'))).toBe(true)
    expect(saved).toEqual([path.basename(path.dirname(path.dirname(path.dirname(sky))))])
  })

  it('comes from the Actions cache when it is there', async () => {
    await uv()
    const cache = {
      async restore(folder: string) {
        await venv(path.join(folder, 'venv-1'), '0.14.1', '')
        await symlink('venv-1', path.join(folder, 'current'))
        return true
      },
      save: async () => {},
    }
    expect(await find({ cache })).toMatchObject({ version: '0.14.1' })
    expect(await calls()).toEqual([])
  })

  it('has a key for each platform, Python and set of extras', () => {
    const key = installKey(['aws'], { python: '/usr/bin/python3.12 3.12.3' })
    expect(key).toMatch(/^sky-0\.14\.1-\w+-\w+-[0-9a-f]{12}$/)
    expect(installKey(['aws'], { python: '/usr/bin/python3.12 3.12.4' })).not.toBe(key)
    expect(installKey(['gcp'], { python: '/usr/bin/python3.12 3.12.3' })).not.toBe(key)
  })

  it.each([
    ['The virtual environment was not created because ensurepip is not available', 'python3-venv'],
    ['OSError: [Errno 28] No space left on device', 'disk is full'],
    ['Failed to establish a new connection: [Errno -3] Temporary failure in name resolution', 'network'],
    ['ERROR: something else', 'by hand'],
  ])('says what to do about: %s', (line, words) => expect(advice([line])).toContain(words))
})

interface Find {
  readonly infra?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly cache?: FolderCache | null
}

function find({ infra = ['aws'], env = {}, signal = new AbortController().signal, cache = null }: Find = {}) {
  return findOrInstallSky({
    infra,
    env: { PATH: bin, LMRUN_HOME: path.join(home, 'lmrun'), CALLS: path.join(home, 'calls'), ...env },
    log: line => void log.push(line),
    warn: text => void warnings.push(text),
    signal,
    cache: cache ?? null,
  })
}

async function calls(): Promise<string[]> {
  const text = await readFile(path.join(home, 'calls'), 'utf8').catch(() => '')
  return text.split('\n').filter(Boolean)
}

/** What is in the folder of the one install there may be. */
async function installs(): Promise<string[]> {
  const tools = path.join(home, 'lmrun', 'tools')
  const [key] = (await readdir(tools)) as readonly string[]
  return key === undefined ? [] : readdir(path.join(tools, key))
}

async function which(tool: string): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    if ((await readdir(folder).catch((): string[] => [])).includes(tool)) return path.join(folder, tool)
  }
  throw new Error(`no ${tool} here`)
}

async function script(name: string, body: string): Promise<void> {
  await writeFile(path.join(bin, name), `#!${path.join(bin, 'sh')}\n${body}\n`)
  await chmod(path.join(bin, name), 0o755)
}

async function venv(root: string, version: string, body: string): Promise<void> {
  await mkdir(path.join(root, 'bin'), { recursive: true })
  await mkdir(path.join(root, 'lib', 'python3.11', 'site-packages', `skypilot-${version}.dist-info`), {
    recursive: true,
  })
  await writeFile(path.join(root, 'bin', 'python'), '')
  await writeFile(path.join(root, 'bin', 'sky'), `#!${root}/bin/python\n${body}\n`)
  await chmod(path.join(root, 'bin', 'sky'), 0o755)
}

async function skyInVenv(version: string, body: string): Promise<void> {
  await venv(path.join(home, 'venv'), version, body)
  await symlink(path.join(home, 'venv', 'bin', 'sky'), path.join(bin, 'sky'))
}

/** What pip leaves in a virtual environment, once it has been asked for SkyPilot. */
const FILL = `
  mkdir -p "$venv/lib/python3.11/site-packages/skypilot-0.14.1.dist-info"
  echo "sky" > "$venv/bin/sky"; chmod +x "$venv/bin/sky"`

/** A uv that keeps a record of its calls and makes what the real one would. */
async function uv(install = ''): Promise<void> {
  await python('3.11.7', 'hidden-python')
  await script(
    'uv',
    `case "$1 $2" in
      "python find") echo "${bin}/hidden-python";;
      venv*) echo venv >> "$CALLS"; mkdir -p "$4/bin"; echo > "$4/bin/python";;
      "pip install")
        python=$4; venv=\${python%/bin/python}; shift 4
        echo "pip install $*" >> "$CALLS"
        ${install}
        case "$*" in skypilot*) ${FILL};; esac;;
    esac`,
  )
}

/** A Python that can say its version, make a virtual environment, and be its pip. */
async function python(version: string, name = 'python3'): Promise<void> {
  await script(
    name,
    `case "$1 $2" in
      "-m venv") echo venv >> "$CALLS"; mkdir -p "$3/bin"; cat "$0" > "$3/bin/python"; chmod +x "$3/bin/python";;
      "-m pip") venv=\${0%/bin/python}; shift 5; echo "pip install $*" >> "$CALLS"; ${FILL};;
      *) echo "${bin}/${name} ${version}";;
    esac`,
  )
}
