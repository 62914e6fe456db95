/**
 * In the place of "install K3s and start it", as LMRUN_K3S_START in a machine of the mesh lab: reads the plan, has
 * the lab's K3s run as the plan's unit says, and waits until it is up.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { K3sPlan } from '../../src/node/types.ts'
import { K3S } from './mesh-lab/vm.ts'

const BINARY = '/usr/local/lib/lmrun/k3s'
const { plan } = JSON.parse(await text(process.stdin)) as { plan: K3sPlan }
for (const { path: at, mode, content } of plan.files) {
  mkdirSync(path.dirname(at), { recursive: true })
  writeFileSync(at, content)
  chmodSync(at, mode)
}
mkdirSync(path.dirname(BINARY), { recursive: true })
// The lab's main has its control plane from the start.
const script = `#!/bin/sh
if [ "$1" = server ]; then exec sleep infinity; fi
exec ${K3S} agent
`
writeFileSync(BINARY, script, { mode: 0o755 })
const log = `/run/systemctl/${plan.unit}.log`
rmSync(log, { force: true })
execFileSync('systemctl', ['enable', plan.unit])
execFileSync('systemctl', ['restart', plan.unit])
if (plan.role === 'agent') await up()

async function up(): Promise<void> {
  for (;;) {
    const said = existsSync(log) ? readFileSync(log, 'utf8') : ''
    if (/^k3s is up/m.test(said)) return
    if (/level=fatal/.test(said)) {
      console.error(said)
      process.exit(1)
    }
    await sleep(50)
  }
}
