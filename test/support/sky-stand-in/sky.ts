/**
 * `sky`: asks the API server, which it starts when there is none, and prints what that says. The server goes on with
 * what it was asked when this process is gone.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { apiSocket, placeOf } from './place.ts'
import { connect, type Wire } from './wire.ts'

const place = placeOf(process.env)
const args = process.argv.slice(2)
if (args[0] === '--version' || args[0] === '-v') {
  console.log('skypilot, version 0.14.1')
  process.exit()
}
// SIGTERM and SIGKILL take it as they take any process: 143, 137.
process.on('SIGINT', () => {
  process.stderr.write('\nAborted!\n')
  process.exit(1)
})
const isStop = args[0] === 'api' && args[1] === 'stop'
const wire = await reachServer()
if (!wire) {
  console.log('SkyPilot API server is not running.')
  process.exit()
}
wire.send({ args, cwd: process.cwd(), given: givenVariables(), by: caller() })
for await (const { out, err, exit } of wire) {
  if (typeof out === 'string') process.stdout.write(out)
  if (typeof err === 'string') process.stderr.write(err)
  if (typeof exit === 'number') await leave(exit)
}
process.stderr.write('sky.exceptions.ApiServerConnectionError: Could not connect to SkyPilot API server.\n')
await leave(isStop ? 0 : 1)

async function reachServer(): Promise<Wire | null> {
  const first = await connect(apiSocket(place)).catch(() => null)
  if (first || isStop) return first
  startServer()
  for (let tries = 0; tries < 400; tries += 1) {
    const wire = await connect(apiSocket(place)).catch(() => null)
    if (wire) return wire
    await sleep(50)
  }
  throw new Error('sky.exceptions.ApiServerConnectionError: Failed to start SkyPilot API server')
}

/** A daemon in a session of its own, with this process's environment, as the real one. */
function startServer(): void {
  mkdirSync(path.join(place.sky, 'api_server'), { recursive: true })
  const log = openSync(path.join(place.sky, 'api_server', 'server.log'), 'a')
  const script = path.join(import.meta.dirname, 'api-server.ts')
  spawn(process.execPath, [script], { detached: true, stdio: ['ignore', log, log], cwd: place.sky }).unref()
  closeSync(log)
}

/** Values of `--secret NAME` and `--env NAME`: the client takes them from its own environment. */
function givenVariables(): Record<string, string> {
  const names = args.flatMap((arg, at) => (arg === '--secret' || arg === '--env' ? [args[at + 1] ?? ''] : []))
  return Object.fromEntries(names.map(name => [name, process.env[name] ?? '']))
}

/** For the ledger: which ring of the teardown asks. */
function caller(): string {
  const step = Object.keys(process.env).some(name => name.startsWith('STATE_'))
  return process.env.GITHUB_ACTIONS ? (step ? 'post' : 'main') : 'sky'
}

/** Not before the pipes have taken everything. */
function leave(code: number): Promise<never> {
  return new Promise(() => process.stdout.write('', () => process.stderr.write('', () => process.exit(code))))
}
