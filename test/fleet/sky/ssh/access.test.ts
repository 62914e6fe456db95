import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/clock.ts'
import { createSshAccess } from '../../../../src/fleet/sky/ssh/access.ts'
import { readState } from '../../../../src/fleet/sky/ssh/state.ts'
import { Unreachable } from '../../../../src/fleet/sky/types.ts'
import { parseTemplate } from '../../../../src/fleet/template.ts'

let folder: string
let home: string
let access: ReturnType<typeof createSshAccess>

/** The VM is a folder: `ssh` runs its command there, unless the file `gone` says that nobody answers. */
const FAKE_SSH = `#!/bin/bash
while [ $# -gt 0 ]; do
  case "$1" in -F|-i|-o) shift 2 ;; -O) exit 255 ;; *) break ;; esac
done
[ ! -e "$FAKE_VM/gone" ] || { echo 'ssh: connect: No route to host' >&2; exit 255; }
shift
cd "$FAKE_VM"; export HOME="$FAKE_VM"
exec bash -c "$*"
`

/** \`-e\` and the VM's name are all that tells where: the last two arguments, one of which is \`vm:PATH\`. */
const FAKE_RSYNC = `#!/bin/bash
[ ! -e "$FAKE_VM/gone" ] || exit 255
from="\${@: -2:1}"; to="\${@: -1}"
from="\${from#vm:}"; to="\${to#vm:}"
case "$from" in */) mkdir -p "$to"; cp -R "$from." "$to" ;; *) cp "$from" "$to" ;; esac
`

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-sky-ssh-'))
  home = path.join(folder, 'vm')
  await mkdir(path.join(folder, 'bin'))
  await mkdir(home)
  for (const [name, text] of [
    ['ssh', FAKE_SSH],
    ['rsync', FAKE_RSYNC],
  ] as const) {
    await writeFile(path.join(folder, 'bin', name), text)
    await chmod(path.join(folder, 'bin', name), 0o755)
  }
  access = createAccess(50)
})
afterEach(async () => {
  // The watchdogs end what still runs.
  await rm(path.join(home, '.lmrun'), { recursive: true, force: true })
  await access.leave('vm')
  await access.close()
  await rm(folder, { recursive: true, force: true })
})

function task(run: string, secrets: Record<string, string> = {}) {
  const template = parseTemplate(JSON.stringify({ run }), { file: 't.yaml', path: '/t.yaml' })
  return { template, envs: { WORD: `it's "q" $HOME` }, secrets }
}

const never = new AbortController().signal

async function write(name: string, text: string) {
  const file = path.join(home, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text)
}

describe('a job over ssh', () => {
  it('runs in the working folder with its variables, and keeps log and exit code', async () => {
    await write('.lmrun/launch/job.env', 'export LMRUN_PORT_8000=23456\n')
    const run = 'pwd; echo "$WORD"; echo $TOK >tok; echo $LMRUN_PORT_8000 >&2; exit 7'
    await access.start('vm', 2, task(run, { TOK: 's3cret' }), never)
    expect(await access.wait('vm', 2, never)).toEqual({ status: 'FAILED', exitCode: 7 })
    expect(await access.tail('vm', 2, 9)).toEqual([path.join(home, 'sky_workdir'), `it's "q" $HOME`, '23456'])
    expect(await access.tail('vm', 2, 1)).toEqual(['23456'])
    expect(await readFile(path.join(home, 'sky_workdir/tok'), 'utf8')).toBe('s3cret\n')
    const job = path.join(home, '.lmrun/jobs/2')
    for (const name of await readdir(job)) {
      expect(await readFile(path.join(job, name), 'utf8')).not.toContain('s3cret')
    }
  })

  it('goes on when nobody is connected, and is waited for until it ends', async () => {
    await access.start('vm', 2, task('until [ -e go ]; do sleep 0.05; done'), never)
    expect(await access.state('vm', 2)).toEqual({ status: 'RUNNING', exitCode: null })
    const end = access.wait('vm', 2, never)
    await write('sky_workdir/go', '')
    expect(await end).toEqual({ status: 'SUCCEEDED', exitCode: 0 })
  })

  it('ends with its folder', async () => {
    await access.start('vm', 2, task('echo $$ >pid; sleep 600'), never)
    const pid = await until(() => readFile(path.join(home, 'sky_workdir/pid'), 'utf8').catch(() => ''))
    await rm(path.join(home, '.lmrun/jobs'), { recursive: true })
    await until(async () =>
      (await readFile(`/proc/${pid.trim()}/stat`, 'utf8').catch(() => ') Z ')).includes(') Z '),
    )
  })

  it('is started once under one number', async () => {
    await access.start('vm', 2, task('true'), never)
    await expect(access.start('vm', 2, task('true'), never)).rejects.toThrow('could not be started')
    await expect(access.state('vm', 3)).rejects.toThrow('has no job 3')
  })

  it('stops waiting on abort', async () => {
    await access.start('vm', 2, task('sleep 600'), never)
    const stop = new AbortController()
    const end = access.wait('vm', 2, stop.signal)
    stop.abort(new Error('enough'))
    await expect(end).rejects.toThrow('enough')
  })
})

describe("the launch's own job", () => {
  it('is told by the files that it leaves', async () => {
    const state = () => access.state('vm', 1)
    expect(await state()).toEqual({ status: 'PENDING', exitCode: null })
    await write('.lmrun/launch/setup.sh', '')
    expect(await state()).toEqual({ status: 'SETTING_UP', exitCode: null })
    await write('.lmrun/launch/setup.exit', '0\n')
    await write('.lmrun/launch/run.pid', `${process.pid}\n`)
    expect(await state()).toEqual({ status: 'RUNNING', exitCode: null })
    await write('.lmrun/launch/run.exit', '137\n')
    expect(await access.wait('vm', 1, never)).toEqual({ status: 'FAILED', exitCode: null, signal: 'SIGKILL' })
  })

  it('has failed when its setup has, or when nothing lives and nothing is left', async () => {
    await write('.lmrun/launch/setup.exit', '3\n')
    expect(await access.state('vm', 1)).toEqual({ status: 'FAILED_SETUP', exitCode: 3 })
    await write('.lmrun/launch/setup.exit', '0\n')
    await write('.lmrun/launch/run.pid', '999999999\n')
    expect(await access.state('vm', 1)).toEqual({ status: 'FAILED', exitCode: null })
  })

  it('has its log at SkyPilot, and its facts beside', async () => {
    expect(await access.tail('vm', 1, 5)).toEqual([])
    await write('sky_logs/1-x/run.log', 'a\nb\nc\n')
    expect(await access.tail('vm', 1, 2)).toEqual(['b', 'c'])
    await expect(access.facts('vm')).rejects.toThrow('not known yet')
    await write('.lmrun/launch/vm.json', '{"address": "10.0.0.1", "ports": {"8000": 23456}}')
    expect(await access.facts('vm')).toEqual({ address: '10.0.0.1', ports: { 8000: 23456 } })
    await access.disarm('vm')
  })
})

describe('files', () => {
  it('come and go, folders over what is there', async () => {
    await write('sky_workdir/data/a/x.jsonl', '1\n')
    await write('sky_workdir/note.json', '{}')
    const to = path.join(folder, 'out')
    expect(await access.pull('vm', 'nothing', to)).toBe(false)
    expect(await access.pull('vm', 'data', to)).toBe(true)
    expect(await access.pull('vm', 'note.json', path.join(to, 'logs/note.json'))).toBe(true)
    expect(await readFile(path.join(to, 'a/x.jsonl'), 'utf8')).toBe('1\n')
    expect(await readFile(path.join(to, 'logs/note.json'), 'utf8')).toBe('{}')
    await access.push('vm', to, "back/it's")
    expect(await readFile(path.join(home, "sky_workdir/back/it's/a/x.jsonl"), 'utf8')).toBe('1\n')
  })
})

describe('files that are handed over', () => {
  it('appear whole, for their user alone, over what is there', async () => {
    const odd = `it's "q"\n$HOME \\ é`
    await write('.lmrun/launch/old', 'old')
    const files = [
      { path: ".lmrun/launch/it's", content: odd },
      { path: '.lmrun/launch/old', content: '' },
      { path: 'deep/er/join.json', content: '{}' },
    ]
    await access.hand('vm', files, never)
    for (const { path: name, content } of files) {
      expect(await readFile(path.join(home, name), 'utf8')).toBe(content)
      expect((await stat(path.join(home, name))).mode & 0o777).toBe(0o600)
    }
    expect((await stat(path.join(home, 'deep/er'))).mode & 0o777).toBe(0o700)
    expect((await readdir(path.join(home, '.lmrun/launch'))).toSorted()).toEqual(["it's", 'old'])
  })

  it('are in no argument of any process', async () => {
    const content = 's3cret-in-no-argv'
    const spy = `for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; done > "$FAKE_VM/seen" 2>/dev/null\n`
    const ssh = await readFile(path.join(folder, 'bin/ssh'), 'utf8')
    await writeFile(path.join(folder, 'bin/ssh'), ssh.replace('cd "$FAKE_VM"', `${spy}cd "$FAKE_VM"`))
    await access.hand('vm', [{ path: 'x', content }], never)
    expect(await readFile(path.join(home, 'seen'), 'utf8')).toMatch(/ssh .*bash -s/)
    expect(await readFile(path.join(home, 'seen'), 'utf8')).not.toContain(content)
  })

  it('are not written where that cannot be, nor where nobody answers, nor after an abort', async () => {
    await write('file', '')
    const file = { path: 'file/below', content: '' }
    await expect(access.hand('vm', [file], never)).rejects.toThrow('~/file/below cannot be written')
    await expect(access.hand('vm', [file], AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    await write('gone', '')
    await expect(access.hand('vm', [file], never)).rejects.toBeInstanceOf(Unreachable)
  })
})

it("keeps its connections in the job's own temporary folder, which is emptied also when it cannot", async () => {
  await access.start('vm', 2, task('true'), never)
  await access.wait('vm', 2, never)
  expect((await readdir(folder)).filter(name => name.startsWith('lmrun-ssh-'))).toHaveLength(1)
  await access.close()
  expect((await readdir(folder)).filter(name => name.startsWith('lmrun-ssh-'))).toEqual([])
})

describe('a VM that does not answer', () => {
  it('is unreachable: at once for a look, after some patience for a wait', async () => {
    await write('gone', '')
    await expect(access.state('vm', 2)).rejects.toBeInstanceOf(Unreachable)
    await expect(access.wait('vm', 2, never)).rejects.toBeInstanceOf(Unreachable)
    await expect(access.start('vm', 2, task('true'), never)).rejects.toBeInstanceOf(Unreachable)
  })

  it('is waited for again when it answers', async () => {
    const patient = createAccess(60_000)
    await access.start('vm', 2, task('true'), never)
    await write('gone', '')
    const end = patient.wait('vm', 2, never)
    await sleep(100)
    await rm(path.join(home, 'gone'))
    expect(await end).toEqual({ status: 'SUCCEEDED', exitCode: 0 })
    await patient.close()
  })
})

function createAccess(patienceMs: number) {
  const PATH = `${path.join(folder, 'bin')}:${process.env.PATH}`
  const env = { ...process.env, FAKE_VM: home, RUNNER_TEMP: folder, PATH }
  return createSshAccess({ home: folder, env, clock: systemClock, patienceMs })
}

async function until<T>(look: () => Promise<T>): Promise<T> {
  for (;;) {
    const seen = await look()
    if (seen) return seen
    await sleep(20)
  }
}

describe('what a VM says of a job', () => {
  it('is read behind what its shell prints, and refused when it is something else', () => {
    const reply = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })
    expect(readState('vm', 2, reply('Welcome!\nended 0\n'))).toEqual({ status: 'SUCCEEDED', exitCode: 0 })
    expect(() => readState('vm', 2, reply('what?'))).toThrow('did not say')
  })
})
