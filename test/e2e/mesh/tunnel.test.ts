/** Tunnels to a VM by the real ssh and sshd of this machine. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock as clock } from '../../../src/clock.ts'
import { Connections } from '../../../src/fleet/sky/ssh/connection.ts'
import { openTunnel } from '../../../src/fleet/sky/ssh/tunnel.ts'
import { killAll, processesWith } from '../../support/processes.ts'

const execute = promisify(execFile)
const PATIENCE = { timeout: 60_000, interval: 50 }
const signal = new AbortController().signal
let folder: string
let sshd: ChildProcess
let service: Server
let port: number
let connections: Connections

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-tunnel-'))
  service = createServer(socket => socket.end('the service'))
  port = await listening(service)
  await serveSsh()
  connections = new Connections({ home: folder, env: { ...process.env, RUNNER_TEMP: folder } })
})
afterEach(async () => {
  await connections.leave('vm')
  await connections.close()
  sshd.kill('SIGKILL')
  killAll(processesWith(folder))
  service.close()
  await rm(folder, { recursive: true, force: true })
})

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

/** A VM called `vm`, with the files that SkyPilot writes of it. */
async function serveSsh(): Promise<void> {
  const generated = path.join(folder, '.sky/generated')
  await mkdir(path.join(generated, 'ssh'), { recursive: true })
  await mkdir(path.join(generated, 'ssh-keys'))
  const [host, key] = [path.join(folder, 'host'), path.join(generated, 'ssh-keys/vm.key')]
  for (const file of [host, key]) await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
  const free = createServer()
  const sshPort = await listening(free)
  await new Promise(resolve => free.close(resolve))
  const config = [
    `Port ${sshPort}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${host}`,
    `AuthorizedKeysFile ${key}.pub`,
    `PidFile ${path.join(folder, 'sshd.pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
  ]
  await writeFile(path.join(folder, 'sshd_config'), `${config.join('\n')}\n`)
  const alias = [
    'Host vm',
    '  HostName 127.0.0.1',
    `  Port ${sshPort}`,
    `  User ${userInfo().username}`,
    '  StrictHostKeyChecking no',
    '  UserKnownHostsFile /dev/null',
  ]
  await writeFile(path.join(generated, 'ssh/vm'), `${alias.join('\n')}\n`)
  await mkdir('/run/sshd', { recursive: true })
  sshd = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', path.join(folder, 'sshd_config')], { stdio: 'ignore' })
  await vi.waitFor(async () => expect(await said(sshPort)).toMatch(/^SSH-2/), PATIENCE)
}

/** What comes from a port; null when nothing listens there. */
function said(at: number): Promise<string | null> {
  return new Promise(resolve => {
    const socket = connect(at, '127.0.0.1')
    let text = ''
    socket.on('data', data => {
      text += data
      socket.end()
    })
    socket.on('error', () => resolve(null)).on('close', () => resolve(text))
  })
}

const tunnels = () => processesWith(folder).filter(({ command }) => command.includes('ExitOnForwardFailure'))
const closed = async (at: number) => vi.waitFor(async () => expect(await said(at)).toBeNull(), PATIENCE)

test('a tunnel leads to a port of the VM until it is disposed of', async () => {
  const tunnel = await openTunnel(connections, { vm: 'vm', port, clock, signal })
  expect(await said(tunnel.port)).toBe('the service')
  await tunnel[Symbol.asyncDispose]()
  await closed(tunnel.port)
  expect(tunnels()).toEqual([])
})

test('one that breaks is made anew at the same port', async () => {
  await using tunnel = await openTunnel(connections, { vm: 'vm', port, clock, signal })
  const [first] = tunnels()
  if (!first) throw new Error('no ssh')
  process.kill(first.pid, 'SIGKILL')
  await vi.waitFor(() => expect(tunnels().map(({ pid }) => pid)).not.toContain(first.pid), PATIENCE)
  await vi.waitFor(async () => expect(await said(tunnel.port)).toBe('the service'), PATIENCE)
})

test('it ends when the connections to its VM are left, and is not made anew', async () => {
  const tunnel = await openTunnel(connections, { vm: 'vm', port, clock, signal })
  await connections.leave('vm')
  await closed(tunnel.port)
  await clock.sleep(3000, signal)
  expect(tunnels()).toEqual([])
  expect(await said(tunnel.port)).toBeNull()
  await tunnel[Symbol.asyncDispose]()
})

test('it ends with its process, also when that is killed', async () => {
  const script = `
    import { systemClock as clock } from ${JSON.stringify(path.resolve('src/clock.ts'))}
    import { Connections } from ${JSON.stringify(path.resolve('src/fleet/sky/ssh/connection.ts'))}
    import { openTunnel } from ${JSON.stringify(path.resolve('src/fleet/sky/ssh/tunnel.ts'))}
    const home = process.argv[2]
    const connections = new Connections({ home, env: { ...process.env, RUNNER_TEMP: home } })
    const { signal } = new AbortController()
    const tunnel = await openTunnel(connections, { vm: 'vm', port: ${port}, clock, signal })
    console.log(tunnel.port)
    setInterval(() => {}, 1000)`
  const file = path.join(folder, 'holder.mts')
  await writeFile(file, script)
  const holder = spawn(process.execPath, [file, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(holder.stdout, 'data')
  const local = Number(String(line))
  expect(await said(local)).toBe('the service')
  expect(tunnels()).toHaveLength(1)
  holder.kill('SIGKILL')
  await closed(local)
  await vi.waitFor(() => expect(tunnels()).toEqual([]), PATIENCE)
})

test('what never stands is given up with its signal', async () => {
  sshd.kill('SIGKILL')
  await once(sshd, 'exit')
  const stop = new AbortController()
  const opening = openTunnel(connections, { vm: 'vm', port, clock, signal: stop.signal })
  setTimeout(() => stop.abort(new Error('enough')), 200)
  await expect(opening).rejects.toThrow('enough')
  await vi.waitFor(() => expect(tunnels()).toEqual([]), PATIENCE)
})
