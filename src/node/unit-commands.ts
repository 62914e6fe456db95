import path from 'node:path'
import { explain, LmrunError } from '../errors.ts'
import { AT } from './paths.ts'
import { readAgentState, readMainState } from './state.ts'
import type { System } from './system.ts'

/** What `lmrun-agent` runs, until it is told to end. */
export async function runAgentUnit(system: System): Promise<void> {
  const state = await readAgentState(system.root)
  if (!state) throw nothingToDo(AT.agent)
  const { runAgent } = await import('./publish/agent.ts')
  const { clock, signal, log } = system
  await Promise.all([runAgent({ ...state, clock, signal, log }), keepNames(system, state.kubeconfig)])
}

/** In /etc/hosts, where nothing splits DNS. */
async function keepNames({ root, clock, signal, log }: System, kubeconfig: string): Promise<void> {
  const { hasResolved, keepHosts } = await import('./host/names.ts')
  if (await hasResolved(root)) return
  const { connectKube } = await import('./kube/client.ts')
  await keepHosts(root, { kube: await connectKube(path.join(root, kubeconfig), signal), clock, signal, log })
}

/** What `lmrun-main` runs, until it is told to end. */
export async function runMainUnit(system: System): Promise<void> {
  const state = await readMainState(system.root)
  if (!state) throw nothingToDo(AT.main)
  const { GRACE_SECONDS, LEASE_SECONDS, runReaper } = await import('./reaper/reaper.ts')
  const { clock, signal, log, root } = system
  const kubeconfig = path.join(root, AT.adminKubeconfig)
  const { answerChecks } = await import('./host/path-check.ts')
  const ended = new AbortController()
  const own = AbortSignal.any([signal, ended.signal])
  // Zod and the AWS SDK are for meshes made by hand.
  const offering =
    state.ttlSeconds === null
      ? Promise.resolve()
      : import('./join/renew.ts').then(({ keepOffering }) => keepOffering({ ...system, signal: own }, state))
  const answering = answerChecks(own).catch(error =>
    log(`nobody can check its path to here: ${explain(error)}`),
  )
  try {
    await runReaper({
      kubeconfig,
      leaseSeconds: LEASE_SECONDS,
      graceSeconds: GRACE_SECONDS,
      clock,
      signal,
      log,
    })
  } finally {
    ended.abort()
    await answering
    await offering.catch(() => {})
  }
}

function nothingToDo(file: string): LmrunError {
  return new LmrunError(`${file} is not there`, { hint: 'sudo -E ./k3s_agent or ./k3s_server writes it.' })
}
