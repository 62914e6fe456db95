/** What runs on VMs: `node dist/node/index.js server|agent|status|leave` and their units; wiring only. */
import { systemClock as clock } from './clock.ts'
import { currentEnv } from './env.ts'
import { explain, InputError } from './errors.ts'
import { runCommand } from './node/command.ts'

const ended = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => ended.abort(new DOMException(`ended by ${signal}`, 'AbortError')))
}

const log = (line: string) => process.stdout.write(`lmrun: ${line}\n`)
try {
  await runCommand({ root: '/', env: currentEnv(), clock, signal: ended.signal, log }, process.argv.slice(2))
} catch (error) {
  process.stderr.write(`lmrun: ${explain(error)}\n`)
  process.exitCode = error instanceof InputError ? 2 : 1
}
