import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { V1Node } from '@kubernetes/client-node'
import { explain, LmrunError } from '../errors.ts'
import type { Join } from '../mesh-join.ts'
import { kubeletOf } from '../mesh-nodes.ts'
import { writePlanned } from './files.ts'
import { installK3s, K3S_RELEASE } from './k3s-binary.ts'
import { connectKube } from './kube/client.ts'
import { PATH } from './kube/paths.ts'
import { AT } from './paths.ts'
import type { System } from './system.ts'
import { keepRunning, lastWords } from './systemd.ts'
import type { K3sPlan, StartK3s } from './types.ts'

/** Milliseconds for K3s to come up: images for CoreDNS and its own start on a small VM. */
const UP_MS = 300_000
const LOOK_MS = 500

/** The one seam to K3s. `LMRUN_K3S_START` names a command that takes its place: it reads the plan as JSON. */
export function k3sStarter(system: System): StartK3s {
  const command = system.env.LMRUN_K3S_START
  return command ? startBy(command) : plan => startK3s(system, plan)
}

/** Its real form. Resolves when the Node is ready. @throws LmrunError */
export async function startK3s(system: System, plan: K3sPlan, release = K3S_RELEASE): Promise<void> {
  refuseAnother(system)
  if (await installK3s(system, release)) system.log('K3s is installed')
  const changed = await writePlanned(system.root, plan.files)
  await keepRunning(system, plan.unit, { changed: changed.length > 0 })
  await untilReady(system, plan)
}

/** Two K3s on one VM fight over ports, files and the network. */
function refuseAnother({ root }: System): void {
  const other = ['k3s.service', 'k3s-agent.service'].find(unit => existsSync(path.join(root, AT.units, unit)))
  if (other === undefined) return
  throw new LmrunError(`this VM has another K3s: ${other}`, {
    hint: 'Uninstall it with k3s-uninstall.sh or k3s-agent-uninstall.sh, or use another VM.',
  })
}

async function untilReady(system: System, { nodeName, kubeconfig, unit }: K3sPlan): Promise<void> {
  const { root, clock, signal } = system
  const until = clock.now() + UP_MS
  let seen = 'nothing yet'
  while (clock.now() < until) {
    try {
      const kube = await connectKube(
        path.join(root, kubeconfig),
        AbortSignal.any([signal, clock.timeout(10_000)]),
      )
      if (kubeletOf(await kube.get<V1Node>(PATH.node(nodeName))) === 'ready') return
      seen = 'the Node is not ready'
    } catch (error) {
      signal.throwIfAborted()
      seen = explain(error)
    }
    await clock.sleep(LOOK_MS, signal)
  }
  const words = await lastWords(unit, signal)
  throw new LmrunError(`K3s was not up after ${UP_MS / 60_000} minutes: ${seen}\n${words}`, {
    hint: `Look at: journalctl --unit ${unit}. Is UDP 51820 open, and 6443 on main?`,
  })
}

function startBy(command: string): StartK3s {
  return async (plan: K3sPlan, join: Join | null, signal: AbortSignal) => {
    const child = spawn(command, [], { stdio: ['pipe', 'inherit', 'pipe'], signal })
    child.stdin.on('error', () => {}) // It may end without having read.
    child.stdin.end(JSON.stringify({ plan, join }))
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    if (code !== 0)
      throw new LmrunError(`K3s did not start: ${said.trim() || `${command} ended with ${code}`}`)
  }
}
