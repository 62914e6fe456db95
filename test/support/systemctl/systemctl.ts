/**
 * What stands in for systemd where there is none: `systemctl` as far as VMs of the mesh use it. It keeps units running
 * as their files say, and a log of how it was called.
 */
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const UNITS = process.env.SYSTEMCTL_UNITS ?? '/etc/systemd/system'
const STATE = process.env.SYSTEMCTL_STATE ?? '/run/systemctl'
const STOP_MS = 15_000

mkdirSync(STATE, { recursive: true })
const args = process.argv.slice(2)
const [verb = '', unit = ''] = args.filter(arg => !arg.startsWith('--'))
const file = (kind: string) => path.join(STATE, `${unit}.${kind}`)
const now = args.includes('--now')

if (verb === 'keep') {
  await keep()
} else {
  appendFileSync(path.join(STATE, 'calls'), `${args.join(' ')}\n`)
  const code = await command()
  process.exit(code)
}

async function command(): Promise<number> {
  switch (verb) {
    case 'daemon-reload':
      return 0
    case 'is-active':
      return isActive() ? 0 : 3
    case 'enable':
      requireUnit()
      writeFileSync(file('enabled'), '')
      if (now) start()
      return 0
    case 'disable':
      requireUnit()
      rmSync(file('enabled'), { force: true })
      if (now) await stop()
      return 0
    case 'start':
      requireUnit()
      if (!isActive()) start()
      return 0
    case 'restart':
      requireUnit()
      await stop()
      start()
      return 0
    case 'stop':
      await stop()
      return 0
    default:
      console.error(`Unknown command verb ${verb}.`)
      return 1
  }
}

function requireUnit(): void {
  if (existsSync(path.join(UNITS, unit))) return
  console.error(`Unit file ${unit} does not exist.`)
  process.exit(1)
}

function keeper(): number {
  return existsSync(file('pid')) ? Number(readFileSync(file('pid'), 'utf8')) : 0
}

function isActive(): boolean {
  const pid = keeper()
  if (pid === 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function start(): void {
  const out = openSync(file('log'), 'a')
  const own = [import.meta.filename, 'keep', unit]
  const child = spawn(process.execPath, own, { detached: true, stdio: ['ignore', out, out] })
  writeFileSync(file('pid'), String(child.pid))
  child.unref()
}

async function stop(): Promise<void> {
  if (!isActive()) return
  process.kill(keeper(), 'SIGTERM')
  for (let waited = 0; isActive(); waited += 20) {
    if (waited >= STOP_MS) process.kill(keeper(), 'SIGKILL')
    await sleep(20)
  }
  rmSync(file('pid'), { force: true })
}

/** Runs the unit, again and again when it says so, until it is told to end. */
async function keep(): Promise<void> {
  const lines = readFileSync(path.join(UNITS, unit), 'utf8').split('\n')
  const all = (key: string) =>
    lines.filter(line => line.startsWith(`${key}=`)).map(line => line.slice(key.length + 1))
  const { PATH = '' } = process.env
  const given = Object.fromEntries(all('Environment').map(line => line.split(/=(.*)/s).slice(0, 2)))
  const kept = Object.entries(process.env).filter(([key]) => key.startsWith('SYSTEMCTL_'))
  const env: NodeJS.ProcessEnv = { PATH, ...Object.fromEntries(kept), ...given }
  let ending = false
  do {
    const child = spawn('sh', ['-c', `exec ${all('ExecStart')[0]}`], {
      detached: true,
      stdio: 'inherit',
      env,
    })
    const end = () => {
      ending = true
      process.kill(child.pid ?? 0, 'SIGTERM')
    }
    process.once('SIGTERM', end)
    await new Promise(resolve => child.once('exit', resolve))
    process.off('SIGTERM', end)
    killGroup(child.pid ?? 0)
    if (!ending) await sleep(200)
  } while (!ending && all('Restart')[0] === 'always')
}

/** What it left behind: K3s is one process, its stand-in is not. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {} // Nothing.
}
