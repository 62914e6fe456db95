import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { applyDocker, undoDocker } from '../../../src/node/host/docker.ts'
import type { System } from '../../../src/node/system.ts'

let root = ''
let system: System
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lmrun-docker-'))
  for (const folder of ['bin', 'etc/docker', 'run/systemd/resolve']) {
    await mkdir(path.join(root, folder), { recursive: true })
  }
  const signal = new AbortController().signal
  system = { root, env: {}, clock: systemClock, signal, log: () => {} }
  // A Docker that runs.
  const systemctl = path.join(root, 'bin/systemctl')
  await writeFile(systemctl, `#!/bin/sh\necho "$@" >> ${root}/calls\n`)
  await chmod(systemctl, 0o755)
  vi.stubEnv('PATH', `${root}/bin:${process.env.PATH}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(root, { recursive: true })
})

const put = (file: string, content: string) => writeFile(path.join(root, file), content)
const daemon = async () => JSON.parse(await readFile(path.join(root, 'etc/docker/daemon.json'), 'utf8'))
const restarts = async () => (await readFile(path.join(root, 'calls'), 'utf8')).match(/^restart .*$/gm) ?? []

it('has containers ask the mesh first and then whom Docker would have asked, once', async () => {
  await put('etc/resolv.conf', 'nameserver 127.0.0.53\n')
  await put('run/systemd/resolve/resolv.conf', 'nameserver 10.0.0.2\nnameserver ::1\nsearch internal\n')
  expect(await applyDocker(system)).toEqual(['containers ask the mesh’s DNS first'])
  expect(await daemon()).toEqual({ dns: ['10.43.0.10', '10.0.0.2'] })
  expect(await applyDocker(system)).toEqual([])
  expect(await restarts()).toEqual(['restart docker.service'])
  expect(await undoDocker(system)).toEqual(['containers do not ask the mesh’s DNS any more'])
  await expect(daemon()).rejects.toThrow('ENOENT')
  expect(await undoDocker(system)).toEqual([])
  expect(await restarts()).toHaveLength(2)
})

it('leaves what else Docker is told, and gives back its nameservers', async () => {
  const before = { 'log-driver': 'local', dns: ['1.1.1.1'], runtimes: { nvidia: { path: 'nvidia' } } }
  await put('etc/docker/daemon.json', JSON.stringify(before))
  await applyDocker(system)
  expect(await daemon()).toEqual({ ...before, dns: ['10.43.0.10', '1.1.1.1'] })
  await undoDocker(system)
  expect(await daemon()).toEqual(before)
})

it('does not take back what somebody else has said since', async () => {
  await applyDocker(system)
  await put('etc/docker/daemon.json', '{"dns": ["9.9.9.9"]}')
  await undoDocker(system)
  expect(await daemon()).toEqual({ dns: ['9.9.9.9'] })
  expect(await undoDocker(system)).toEqual([])
})

it.each(['{"dns": ', '[]', '{"dns": "1.1.1.1"}'])(
  'says that Docker cannot take %s, and writes nothing',
  async text => {
    await put('etc/docker/daemon.json', text)
    await expect(applyDocker(system)).rejects.toThrow('/etc/docker/daemon.json is nothing that Docker takes')
    expect(await readFile(path.join(root, 'etc/docker/daemon.json'), 'utf8')).toBe(text)
    expect(await undoDocker(system)).toEqual([])
  },
)
