import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { processesWith } from '../processes.ts'
import { LAUNCH_ERRORS } from './faults.ts'
import { createSkyStandIn, type SkyStandIn } from './stand-in.ts'

const SPEED = 50

describe.concurrent('ssh and rsync', () => {
  test('a command runs at home on the machine, with its streams and its exit code', async () => {
    await using sky = await launched()
    const script = 'read word; echo "$word $PWD"; echo wrong >&2; exit 3'
    const child = promisify(execFile)('bash', ['-c', `echo hello | ssh ${sshOptions(sky)} vm '${script}'`], {
      env: envOf(sky),
    })
    const home = sky.cloud.find('vm')?.vm.home
    await expect(child).rejects.toMatchObject({ code: 3, stdout: `hello ${home}\n`, stderr: 'wrong\n' })
  })

  test('a machine that is cut off cannot be reached, and goes on', async () => {
    await using sky = await launched()
    sky.cut('vm', true)
    await expect(run(sky, 'ssh', 'vm', 'true')).rejects.toMatchObject({ code: 255 })
    await expect(run(sky, 'rsync', '-a', '-e', 'ssh', 'vm:x', sky.folder)).rejects.toMatchObject({
      code: 255,
    })
    sky.cut('vm', false)
    expect(await run(sky, 'ssh', 'vm', 'cat sky_workdir/count')).toMatch(/^\d+\n$/)
  })

  test('a connection breaks when the machine goes', async () => {
    await using sky = await launched()
    const shell = run(sky, 'ssh', 'vm', 'sleep 600')
    await sky.preempt('vm')
    await expect(shell).rejects.toMatchObject({ code: 255 })
  })

  test('files and folders are copied both ways', async () => {
    await using sky = await launched()
    const here = path.join(sky.folder, 'here')
    await mkdir(path.join(here, 'deep'), { recursive: true })
    await writeFile(path.join(here, 'deep', 'a'), 'A')
    await run(sky, 'rsync', '-az', '-e', `ssh ${sshOptions(sky)}`, `${here}/`, 'vm:sky_workdir/there')
    expect(await run(sky, 'ssh', 'vm', 'cat sky_workdir/there/deep/a')).toBe('A')
    await run(sky, 'rsync', '-a', '--rsh=ssh', 'vm:sky_workdir/there/deep/a', path.join(sky.folder, 'b'))
    expect(await readFile(path.join(sky.folder, 'b'), 'utf8')).toBe('A')
    await run(sky, 'rsync', '-a', '-e', 'ssh', 'vm:sky_workdir/there', path.join(sky.folder, 'c'))
    expect(existsSync(path.join(sky.folder, 'c', 'there', 'deep', 'a'))).toBe(true)
    const missing = run(sky, 'rsync', '-a', '-e', 'ssh', 'vm:nowhere', sky.folder)
    await expect(missing).rejects.toMatchObject({ code: 23 })
  })
})

describe.concurrent('what ends a machine', () => {
  test('down: with all of its processes and its disk, in the ledger', async () => {
    await using sky = await launched()
    const { id = '', vm } = sky.cloud.find('vm') ?? {}
    // A launch ends when its job has a number: it may not run yet.
    await expect.poll(() => processesWith(id), { timeout: 20_000 }).not.toEqual([])
    await run(sky, 'sky', 'down', '-y', 'vm')
    expect(processesWith(id)).toEqual([])
    expect(existsSync(vm?.home ?? '/')).toBe(false)
    expect(sky.ledger).toMatchObject([{ name: 'vm', endedBy: 'sky' }])
    expect(sky.ledger[0]?.billedSeconds).toBeGreaterThan(20)
  })

  test('its own shutdown, unless that is taken back', async () => {
    await using sky = await launched()
    await run(sky, 'ssh', 'vm', 'sudo -n shutdown -h +1; sudo -n shutdown -c')
    await sky.cloud.seconds(120)
    expect(sky.cloud.find('vm')).toBeDefined()
    await run(sky, 'ssh', 'vm', 'sudo -n shutdown -h now')
    await sky.cloud.seconds(120)
    expect(sky.ledger).toMatchObject([{ endedBy: 'shutdown' }])
  })

  test('the cloud; SkyPilot notices when it looks', async () => {
    await using sky = await launched()
    await sky.preempt('vm')
    expect(sky.ledger).toMatchObject([{ endedBy: 'cloud' }])
    expect(await run(sky, 'sky', 'status', '-r', '-o', 'json')).toMatch(/\[\]\n$/)
  })
})

describe.concurrent('faults', () => {
  test('a launch that the cloud has no capacity for leaves nothing, and the next one goes well', async () => {
    await using sky = await createSkyStandIn({ speed: SPEED })
    const stderr = LAUNCH_ERRORS.capacity
    sky.fault({ command: 'launch', times: 1, action: { kind: 'fail', stderr } })
    await expect(launch(sky)).rejects.toMatchObject({ code: 1 })
    expect(sky.ledger).toEqual([])
    await launch(sky)
    expect(sky.cloud.alive()).toHaveLength(1)
  })

  test('down that is locked fails, that lies does nothing, and goes well after', async () => {
    await using sky = await launched()
    sky.fault({ command: 'down', times: 1, action: { kind: 'locked' } })
    sky.fault({ command: 'down', name: /^vm$/, times: 1, action: { kind: 'lie' } })
    await expect(run(sky, 'sky', 'down', '-y', 'vm')).rejects.toMatchObject({ code: 1 })
    await run(sky, 'sky', 'down', '-y', 'vm')
    expect(sky.cloud.alive()).toHaveLength(1)
    await run(sky, 'sky', 'down', '-y', 'vm')
    expect(sky.cloud.alive()).toEqual([])
  })

  test('with expired credentials nothing is ended but by the machine itself', async () => {
    await using sky = await launched('-i', '1', '--down', '--wait-for', 'none')
    sky.expireCredentials()
    await expect(run(sky, 'sky', 'down', '-y', 'vm')).rejects.toMatchObject({ code: 1 })
    await sky.cloud.seconds(200)
    expect(sky.ledger).toMatchObject([{ endedBy: 'lease' }])
  })
})

test('it leaves nothing: no process, no file', async () => {
  let folder = ''
  {
    await using sky = await launched()
    folder = sky.folder
    expect(sky.servers()).toHaveLength(1)
  }
  expect(processesWith(folder)).toEqual([])
  expect(existsSync(folder)).toBe(false)
})

async function launched(...flags: readonly string[]): Promise<SkyStandIn> {
  const sky = await createSkyStandIn({ speed: SPEED })
  await launch(sky, ...flags)
  return sky
}

/** A machine whose job counts for ever. */
async function launch(sky: SkyStandIn, ...flags: readonly string[]): Promise<void> {
  const file = path.join(sky.folder, 'task.yaml')
  const script = 'for ((n = 0; ; n++)); do echo $n > count; sleep 0.1; done'
  await writeFile(file, stringify({ name: 'count', resources: { infra: 'aws' }, run: script }))
  await run(sky, 'sky', 'launch', '-y', '-d', '-c', 'vm', ...flags, file)
}

async function run(sky: SkyStandIn, command: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { env: envOf(sky) })
  return stdout
}

function envOf(sky: SkyStandIn): NodeJS.ProcessEnv {
  return { ...process.env, ...sky.env }
}

function sshOptions({ home }: SkyStandIn): string {
  return `-F ${home}/.sky/generated/ssh/vm -i ${home}/.sky/generated/ssh-keys/vm.key -o BatchMode=yes`
}
