import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSkyCli } from '../../../src/fleet/sky/cli.ts'
import { ACTIONS_GROUPS, LogGroups } from '../../../src/fleet/sky/log-groups.ts'
import { endRecorded } from '../../../src/fleet/sky/process-groups.ts'

let folder: string
let printed: string[]

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-sky-'))
  printed = []
})
afterEach(async () => {
  await endRecorded(path.join(folder, 'records'))
  await rm(folder, { recursive: true, force: true })
})

/** A `sky` whose body is this script. */
async function fakeSky(body: string) {
  const bin = path.join(folder, 'sky')
  await writeFile(bin, `#!/bin/sh\n${body}\n`)
  await chmod(bin, 0o755)
  return cli(bin)
}

function cli(bin: string) {
  const groups = new LogGroups(line => printed.push(line), ACTIONS_GROUPS)
  return createSkyCli({ bin, records: path.join(folder, 'records'), env: process.env, groups, graceMs: 300 })
}

async function pidIn(name: string): Promise<number> {
  for (;;) {
    const pid = Number(await readFile(path.join(folder, name), 'utf8').catch(() => ''))
    if (pid > 0) return pid
    await sleep(10)
  }
}

async function gone(pid: number): Promise<void> {
  while (
    await readFile(`/proc/${pid}/stat`, 'utf8').then(
      stat => !/\) Z /.test(stat),
      () => false,
    )
  )
    await sleep(10)
}

describe('sky as a child', () => {
  it('resolves with what it said, whatever its exit code', async () => {
    const sky = await fakeSky('echo "$@"; echo oops >&2; exit 100')
    const reply = await sky.run(['down', '-y', 'a b'])
    expect(reply).toEqual({ exitCode: 100, stdout: 'down -y a b\n', stderr: 'oops\n' })
    expect(await readdir(path.join(folder, 'records'))).toEqual([])
    expect(printed).toEqual([])
  })

  it('runs in a group of its own, with nothing to read', async () => {
    const sky = await fakeSky('cut -d" " -f5 /proc/$$/stat; echo $$; cat')
    const [group, pid, ...rest] = (await sky.run([])).stdout.split('\n')
    expect(group).toBe(pid)
    expect(rest).toEqual([''])
  })

  it('puts the output in a group, without colour and workflow commands', async () => {
    const sky = await fakeSky(`printf '\\033[33m%s\\033[0m\\n' yellow; echo '::error::no'; echo aside >&2`)
    const { stdout, stderr } = await sky.run(['x'], { group: 'sky x' })
    expect(stdout).toContain('::error::no')
    expect(stderr).toBe('aside\n')
    expect(printed[0]).toBe('::group::sky x')
    expect(printed.at(-1)).toBe('::endgroup::')
    expect(printed.slice(1, -1).sort()).toEqual([': :error::no', 'aside', 'yellow'])
  })

  it('keeps groups of calls side by side apart', async () => {
    const sky = await fakeSky('echo $1 begins; sleep 0.2; echo $1 ends')
    await Promise.all([sky.run(['a'], { group: 'a' }), sky.run(['b'], { group: 'b' })])
    const block = (name: string) => [`::group::${name}`, `${name} begins`, `${name} ends`, '::endgroup::']
    expect([block('a').concat(block('b')), block('b').concat(block('a'))]).toContainEqual(printed)
  })

  it('ends the whole group on abort, then rejects with the reason', async () => {
    const sky = await fakeSky(
      `trap '' TERM; sh -c 'trap "" TERM; echo $$ >${folder}/child; sleep 60' & wait; wait`,
    )
    const stop = new AbortController()
    const call = sky.run(['launch'], { signal: stop.signal })
    const child = await pidIn('child')
    stop.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await gone(child)
  })

  it('gives up after its time', async () => {
    const sky = await fakeSky('exec sleep 60')
    await expect(sky.run([], { timeoutMs: 50 })).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('ends all that runs', async () => {
    const sky = await fakeSky(`echo $$ >${folder}/child; exec sleep 60`)
    const call = sky.run([]).catch((error: Error) => error.message)
    const child = await pidIn('child')
    await sky.endAll()
    expect(await call).toContain('sky was ended')
    await gone(child)
  })

  it('says when it cannot be started', async () => {
    await expect(cli(path.join(folder, 'nowhere')).run(['status'])).rejects.toThrow('could not be started')
  })
})

describe('what an earlier process left running', () => {
  it('is ended by its record, and a reused number is not', async () => {
    const sky = await fakeSky(`echo $$ >${folder}/child; exec sleep 60`)
    const call = sky.run([])
    const child = await pidIn('child')
    await writeFile(path.join(folder, 'records', 'other.pid'), `${process.pid} 1\n`)
    await writeFile(path.join(folder, 'records', 'broken.pid'), 'x')
    expect(await endRecorded(path.join(folder, 'records'), { of: 'the dead' })).toBe(0)
    expect(await endRecorded(path.join(folder, 'records'))).toBe(1)
    expect((await call).exitCode).toBe(-1)
    await gone(child)
    expect(await readdir(path.join(folder, 'records'))).toEqual([])
    expect(await endRecorded(path.join(folder, 'nowhere'))).toBe(0)
  })
})
