import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inherited, skypilotVars } from '../../../src/fleet/local/environment.ts'
import { JobLog, mask } from '../../../src/fleet/local/job-log.ts'
import { acquire } from '../../../src/fleet/local/lock.ts'
import { reservePorts } from '../../../src/fleet/local/ports.ts'
import { listProcesses, type Process, processesOf } from '../../../src/fleet/local/processes.ts'
import { createKey, seal, unseal } from '../../../src/fleet/local/sealed.ts'
import { namedFolders, setupKey } from '../../../src/fleet/local/setup-key.ts'
import { pruneSetups, setupFolder, useSetup } from '../../../src/fleet/local/setups.ts'
import { readTail } from '../../../src/fleet/local/tail.ts'
import { forever } from './support.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'lmrun-pieces-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

describe('processesOf', () => {
  const process = (
    pid: number,
    parent: number,
    session: number,
    marker: string | null | undefined,
  ): Process => ({
    pid,
    parent,
    group: session,
    session,
    started: '5',
    command: 'x',
    marker,
  })
  const pids = (found: readonly Process[]) => found.map(({ pid }) => pid)

  test('by marker, by the sessions of marked ones, and by descent', () => {
    const all = [
      process(10, 1, 10, 'a.1'), // keeper
      process(11, 10, 10, null), // a child that cleared its environment
      process(12, 11, 12, null), // its child in a session of its own
      process(13, 1, 13, 'a.1'), // an orphan that left the session
      process(20, 1, 20, 'a.2'), // another VM
      process(30, 1, 30, null), // somebody else
    ]
    expect(pids(processesOf({ owns: marker => marker === 'a.1', keeperPid: 10 }, all))).toEqual([
      10, 11, 12, 13,
    ])
  })

  test('one that was seen as its own stays so when its parent ends; its number alone is nothing', () => {
    const orphan = process(12, 1, 12, null)
    const owner = { owns: () => false }
    expect(pids(processesOf(owner, [orphan], new Set(['12 5'])))).toEqual([12])
    expect(processesOf(owner, [orphan], new Set(['12 4']))).toEqual([])
  })

  test('a number that the keeper left behind is nothing, where markers can be read', () => {
    const all = [process(10, 1, 10, null), process(20, 1, 20, null)]
    expect(processesOf({ owns: () => true, keeperPid: 10 }, all)).toEqual([])
  })

  test('without /proc: the group of the keeper, and descent', async () => {
    const all = [process(10, 1, 10, undefined), process(12, 10, 12, undefined), process(30, 1, 30, undefined)]
    expect(pids(processesOf({ owns: () => true, keeperPid: 10 }, all))).toEqual([10, 12])
    const listed = await listProcesses(path.join(home, 'no-proc'))
    expect(listed.find(({ pid }) => pid === globalThis.process.pid)).toMatchObject({ marker: undefined })
  })
})

test('ports: distinct for many at once', async () => {
  const many = await Promise.all(
    Array.from({ length: 40 }, (_, i) => reservePorts(home, { id: `i${i}`, name: `n${i}` }, [1, 2])),
  )
  const ports = many.flatMap(Object.values)
  expect(new Set(ports).size).toBe(80)
})

describe('mask', () => {
  test('every secret, the longest first, and the lines of long ones', () => {
    expect(mask('a=hunter2 b=hunter2-long', ['hunter2', 'hunter2-long'])).toBe('a=*** b=***')
    expect(mask('first-line\nx\nsecond-line', ['first-line\n}\nsecond-line'])).toBe('***\nx\n***')
    expect(mask('unchanged', [''])).toBe('unchanged')
  })

  test('wherever the output is cut, no secret comes through', async () => {
    const secret = 'S3CR3T-WÖRD'
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(40), { maxLength: 12 }), fc.nat(5), async (cuts, times) => {
        const bytes = Buffer.from(`start ${secret} mid${secret}\n`.repeat(times) + secret)
        const file = path.join(home, `log-${Math.random()}`)
        const log = new JobLog(file, () => [secret])
        await log.follow(Readable.from(pieces(bytes, cuts)))
        expect(await readFile(file, 'utf8')).toBe(`${'start *** mid***\n'.repeat(times)}***\n`)
      }),
      { numRuns: 50 },
    )
  })

  test('also in a line that never ends', async () => {
    const secret = `${'x'.repeat(50)}SECRET`
    const bytes = Buffer.from(`${'-'.repeat(65_530)}${secret}${'-'.repeat(70_000)}${secret}`)
    const file = path.join(home, 'log')
    const log = new JobLog(file, () => [secret])
    await log.follow(Readable.from(pieces(bytes, [65_550, 40, 1000])))
    const text = await readFile(file, 'utf8')
    expect(text).not.toContain('SECRET')
    expect(text.replaceAll('*', '').length).toBe(135_531)
  })
})

function* pieces(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0
  for (const size of sizes) {
    if (size > 0 && at < bytes.length) yield bytes.subarray(at, at + size)
    at += size
  }
  if (at < bytes.length) yield bytes.subarray(at)
}

test('what is sealed opens with the right key alone, unchanged', () => {
  const [mine, other] = [createKey(), createKey()]
  const sealed = seal('{"TOKEN":"s3cret ü"}', mine.publicKey)
  expect(JSON.stringify(sealed)).not.toContain('s3cret')
  expect(unseal(sealed, mine.privateKey)).toBe('{"TOKEN":"s3cret ü"}')
  expect(() => unseal(sealed, other.privateKey)).toThrow()
  expect(() => unseal({ ...sealed, text: `A${sealed.text.slice(1)}` }, mine.privateKey)).toThrow()
})

test('jobs inherit programs, caches and network, and no credentials', () => {
  const env = {
    PATH: '/bin',
    HOME: '/h',
    LC_ALL: 'C',
    https_proxy: 'p',
    HTTPS_PROXY: 'p',
    PIP_INDEX_URL: 'i',
    UV_CACHE_DIR: 'u',
    RUNNER_TRACKING_ID: 'r',
    GITHUB_TOKEN: 'no',
    AWS_SECRET_ACCESS_KEY: 'no',
    ACTIONS_RUNTIME_TOKEN: 'no',
    LMRUN_VM: 'no',
    NODE_OPTIONS: 'no',
    BASH_ENV: 'no',
    GITHUB_OUTPUT: 'no',
    INPUT_SECRETS: 'no',
    EMPTY: undefined,
  }
  expect(Object.values(inherited(env))).not.toContain('no')
  expect(Object.keys(inherited(env))).toHaveLength(8)
})

test('SKYPILOT_* as SkyPilot sets them in each phase', () => {
  const place = { id: 'i', name: 'qwen-coder', bin: '/b', ports: {}, setup: null }
  const job = { id: 1, at: new Date(0) }
  const setup = skypilotVars('setup', place, job)
  const run = skypilotVars('run', place, job)
  expect(Object.keys(setup).sort()).toEqual([
    'SKYPILOT_CLUSTER_INFO',
    'SKYPILOT_NUM_NODES',
    'SKYPILOT_SETUP_NODE_IPS',
    'SKYPILOT_SETUP_NODE_RANK',
    'SKYPILOT_SETUP_NUM_GPUS_PER_NODE',
    'SKYPILOT_TASK_ID',
    'SKYPILOT_USER',
  ])
  expect(Object.keys(run).sort()).toEqual([
    'SKYPILOT_CLUSTER_INFO',
    'SKYPILOT_NODE_IPS',
    'SKYPILOT_NODE_RANK',
    'SKYPILOT_NUM_GPUS_PER_NODE',
    'SKYPILOT_NUM_NODES',
    'SKYPILOT_TASK_ID',
    'SKYPILOT_USER',
  ])
  expect(JSON.parse(run.SKYPILOT_CLUSTER_INFO ?? '')).toMatchObject({ cluster_name: 'qwen-coder' })
  expect(run.SKYPILOT_TASK_ID).toBe('sky-1970-01-01-00-00-00-000000_qwen-coder_1')
})

describe('setup key', () => {
  const base = {
    text: 'echo $A > x',
    vars: { A: '1', B: '1' },
    secretNames: ['T'],
    templateFolder: '/nowhere',
  }
  const same = async (change: Partial<typeof base>) =>
    (await setupKey(base)) === (await setupKey({ ...base, ...change }))

  test.each([
    ['another text', { text: 'echo $A > y' }, false],
    ['a variable that the text names', { vars: { A: '2', B: '1' } }, false],
    ['a variable that it does not name', { vars: { A: '1', B: '2' } }, true],
    ['another secret', { secretNames: ['U'] }, false],
    ['the place of the VM', { vars: { A: '1', B: '1', LMRUN_VM: 'x', LMRUN_SETUP: '/s' } }, true],
  ])('%s', async (_, change, expected) => {
    expect(await same(change)).toBe(expected)
  })

  test('files by the folder that the text names', async () => {
    expect(namedFolders('bash "$LMRUN_TEMPLATE_DIR/server/setup/a.sh"')).toEqual(['server/setup'])
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's variable
    expect(namedFolders('cd ${LMRUN_TEMPLATE_DIR}/a/$X; cat "$LMRUN_TEMPLATE_DIR"/b/c')).toEqual(['a', 'b'])
    expect(namedFolders('cp $LMRUN_TEMPLATE_DIR/one.txt .')).toEqual(['.'])
    expect(namedFolders('cd "$LMRUN_TEMPLATE_DIR"; ls')).toEqual(['.'])
    expect(namedFolders('echo')).toEqual([])
    await mkdir(path.join(home, 'in', 'deep'), { recursive: true })
    await writeFile(path.join(home, 'in', 'deep', 'f'), '1')
    await writeFile(path.join(home, 'out'), '1')
    const source = { ...base, text: 'bash $LMRUN_TEMPLATE_DIR/in/x.sh', templateFolder: home }
    const before = await setupKey(source)
    await writeFile(path.join(home, 'out'), '2')
    expect(await setupKey(source)).toBe(before)
    await writeFile(path.join(home, 'in', 'deep', 'f'), '2')
    expect(await setupKey(source)).not.toBe(before)
  })
})

describe('setups', () => {
  const holder = { pid: process.pid, vm: '' }
  const use = (key: string, build: (folder: string) => Promise<boolean>, said: string[] = []) =>
    useSetup({
      home,
      key,
      holder,
      signal: forever(),
      say: line => said.push(line),
      onDead: async () => {},
      build,
    })

  test('a failed one leaves nothing that looks done', async () => {
    const fail = async (folder: string) => {
      await writeFile(path.join(folder, 'half'), '')
      return false
    }
    expect(await use('ab', fail)).toBe(false)
    const said: string[] = []
    expect(await use('ab', async () => true, said)).toBe(true)
    expect(said).toEqual([])
    expect(await use('ab', fail, said)).toBe(true)
    expect(said).toEqual(['setup from cache'])
  })

  test('unused for two weeks it goes', async () => {
    await use('aa', async () => true)
    await use('bb', async () => true)
    const old = new Date(Date.now() - 15 * 24 * 3600 * 1000)
    await utimes(path.join(setupFolder(home, 'aa'), '.lmrun-done'), old, old)
    await pruneSetups(home, holder, forever())
    const said: string[] = []
    await use('bb', async () => true, said)
    await use('aa', async () => true, said)
    expect(said).toEqual(['setup from cache'])
  })
})

test.each(Array.from({ length: 20 }, (_, i) => i))(
  'a lock is held by one at a time, also when a dead holder had it (%i)',
  async i => {
    const file = path.join(home, 'locks', 'x')
    await mkdir(path.dirname(file))
    // The marker of a living process does not fit: its number was reused.
    await writeFile(file, JSON.stringify({ pid: process.pid, vm: 'dead.vm', token: 't' }))
    // Who was about to take it over may have died, too.
    const breaker = JSON.stringify({ pid: process.pid, vm: 'other.vm', token: 'u' })
    if (i % 2 === 1) await writeFile(`${file}.t.break`, breaker)
    const ended: string[] = []
    let inside = 0
    const living = spawn('sleep', ['600'], { env: { ...process.env, LMRUN_VM: 'living.vm' } })
    await once(living, 'spawn')
    const options = {
      holder: { pid: Number(living.pid), vm: 'living.vm' },
      signal: forever(),
      onDead: async ({ vm }: { vm: string }) => void ended.push(vm),
    }
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await using _lock = await acquire(file, options)
        inside++
        await new Promise(setImmediate)
        expect(inside).toBe(1)
        inside--
      }),
    )
    expect(new Set(ended)).toEqual(new Set(['dead.vm']))
    living.kill('SIGKILL')
    await once(living, 'exit')
  },
)

test('the tail of a log is read from its end', async () => {
  const file = path.join(home, 'log')
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} ${'ü'.repeat(i % 50)}`)
  await writeFile(file, `${lines.join('\n')}\n`)
  for (const count of [1, 40, 19_999, 20_000, 50_000])
    expect(await readTail(file, count)).toEqual(lines.slice(-count))
  await writeFile(file, 'no newline')
  expect(await readTail(file, 5)).toEqual(['no newline'])
  await writeFile(file, '')
  expect(await readTail(file, 5)).toEqual([])
  expect(await readTail(path.join(home, 'none'), 5)).toBeNull()
})
