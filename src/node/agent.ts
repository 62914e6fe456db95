import path from 'node:path'
import type { V1Node } from '@kubernetes/client-node'
import type { Join } from '../mesh-join.ts'
import { readNodeName, serviceHost } from '../mesh-names.ts'
import { dryRunText } from './dry-run.ts'
import { type KnownFacts, knownFacts, makeLaunch } from './facts.ts'
import { writePlanned } from './files.ts'
import { checkPath } from './host/path-check.ts'
import { type JoinOffer, obtainOffer, offerAtHand } from './join/source.ts'
import { checkJoin, isMain } from './join/trust.ts'
import { k3sStarter } from './k3s.ts'
import { connectKube, KubeError } from './kube/client.ts'
import { PATH } from './kube/paths.ts'
import { removeK3s } from './leave.ts'
import { readOwnNetwork, withMtu } from './network.ts'
import type { AgentOptions } from './options.ts'
import { keepOwnUnit } from './own-unit.ts'
import { AT, UNIT } from './paths.ts'
import { planAgent, serverHost } from './plan.ts'
import { publicAddress } from './public-ip.ts'
import { type AgentState, readAgentState, stateFile } from './state.ts'
import type { System } from './system.ts'
import { isActive } from './systemd.ts'
import type { Host, K3sPlan, VmFacts } from './types.ts'
import { agentUnit } from './units.ts'

/** `k3s_agent`: joins this VM to its mesh, and shows its ports there. A second time changes nothing. */
export async function runAgentCommand(system: System, options: AgentOptions, host: Host): Promise<void> {
  const { log, root } = system
  const known = knownFacts(system.env, withMtu(await readOwnNetwork(root), options.mtu), options.name)
  const before = await stillIn(system)
  if (options.dryRun) return log(await dryRun(system, { known, options, before }))
  const offer = await offerAtHand(system)
  const joined = before && !isOther(before, offer?.join) ? null : await join(system, known, options, offer)
  const state = stateOf(options, joined ?? before, known)
  const done = [
    ...(joined ? [`${joined.plan.nodeName} has joined the mesh ${joined.mesh}`] : []),
    ...(await host.apply({
      role: 'agent',
      interface: known.interface,
      ports: options.publish.ports.map(({ port }) => port),
      peers: known.nodeIps,
      containers: options.containers,
      ...system,
    })),
    ...(await publish(system, state, { anew: joined !== null })),
  ]
  if (joined) await checkPath(system)
  await (joined?.offer ?? offer)?.used()
  for (const line of done) log(line)
  if (done.length === 0) log(`nothing to change: ${state.nodeName} is in the mesh ${state.mesh}`)
}

/** An offer for another launch: the VM is used once more, by another run. */
function isOther({ nodeName }: AgentState, join: Join | undefined): boolean {
  if (!join || join.launch === null) return false
  return readNodeName(nodeName)?.launch !== join.launch
}

interface Joined {
  readonly plan: K3sPlan
  readonly mesh: string
  readonly offer: JoinOffer
}

async function join(
  system: System,
  known: KnownFacts,
  options: AgentOptions,
  atHand: JoinOffer | null,
): Promise<Joined> {
  const offer = await obtainOffer(system, atHand)
  const mainIsNear = await isNear(system, known, offer.join)
  const where = { host: serverHost({ mainIsNear }, offer.join), port: offer.join.main.port }
  await checkJoin(where, offer.join, system.signal)
  const facts = await factsFor(system, { known, mainIsNear, given: options.publicIp })
  const plan = planAgent(facts, offer.join, offer.join.launch ?? makeLaunch(system.env, facts))
  const joined = { plan, mesh: offer.join.main.mesh, offer }
  // Of another launch, and maybe another mesh. One that was broken off goes on as the Node that main knows.
  const last = await readAgentState(system.root)
  if (last?.nodeName !== plan.nodeName && (await removeK3s(system)))
    system.log('left the mesh that it was in before')
  await writePlanned(system.root, [stateFile(AT.agent, stateOf(options, joined, known))])
  await k3sStarter(system)(plan, offer.join, system.signal)
  return joined
}

/** Near is who is in main's cloud and reaches it in private: what answers there has main's CA. */
async function isNear({ signal }: System, { cloud }: KnownFacts, join: Join): Promise<boolean> {
  const { privateIp, port, cloud: mainCloud } = join.main
  if (privateIp === null || mainCloud !== cloud) return false
  return isMain({ host: privateIp, port }, join, signal)
}

interface Near {
  readonly known: KnownFacts
  readonly mainIsNear: boolean
  /** Its public address, by whoever knows better. */
  readonly given: string | null
}

/** Only who is not near needs a public address. */
async function factsFor(system: System, { known, mainIsNear, given }: Near): Promise<VmFacts> {
  return { ...known, mainIsNear, publicIp: mainIsNear ? given : await publicAddress(system, known, given) }
}

/** What it was told the last time, if its Node is known by that and K3s is at work. */
async function stillIn(system: System): Promise<AgentState | null> {
  const state = await readAgentState(system.root)
  if (!state || !(await isActive(system, UNIT.k3s))) return null
  const { signal, root, clock } = system
  try {
    const within = AbortSignal.any([signal, clock.timeout(10_000)])
    const kube = await connectKube(path.join(root, state.kubeconfig), within)
    await kube.get<V1Node>(PATH.node(state.nodeName))
    return state
  } catch (error) {
    signal.throwIfAborted()
    const answered = error instanceof KubeError ? `: ${error.message}` : ', for main does not answer'
    system.log(`${state.nodeName} is not in the mesh ${state.mesh} any more${answered}`)
    return null
  }
}

function stateOf(options: AgentOptions, from: Joined | AgentState | null, known: KnownFacts): AgentState {
  if (!from) throw new TypeError('a VM that has not joined has no state')
  const { nodeName, kubeconfig } = 'plan' in from ? from.plan : from
  const { publish, ranks, models, apiKeyFile } = options
  const { interface: device } = known
  return { nodeName, kubeconfig, publish, ranks, models, apiKeyFile, mesh: from.mesh, interface: device }
}

async function publish(
  system: System,
  state: AgentState,
  { anew }: { readonly anew: boolean },
): Promise<string[]> {
  const content = agentUnit(process.execPath)
  const file = stateFile(AT.agent, state)
  const changed = await keepOwnUnit(system, { unit: UNIT.agent, content, state: file, anew })
  if (!changed) return []
  const name = readNodeName(state.nodeName)
  const shown = state.publish.ports.map(({ port }) => `http://${serviceHost(name?.vm ?? '')}:${port}`)
  return [shown.length > 0 ? `it publishes ${shown.join(', ')}` : 'it publishes nothing']
}

interface DryRun {
  readonly known: KnownFacts
  readonly options: AgentOptions
  readonly before: AgentState | null
}

async function dryRun(system: System, { known, options, before }: DryRun): Promise<string> {
  const offer = await offerAtHand(system)
  if (before && !isOther(before, offer?.join)) {
    const state = stateFile(AT.agent, stateOf(options, before, known))
    return dryRunText(`${before.nodeName} is in the mesh ${before.mesh}; it would be told:`, [state])
  }
  if (!offer) return `${known.vm} would wait for what lets it in, and join\n${JSON.stringify(known, null, 2)}`
  const mainIsNear = await isNear(system, known, offer.join)
  const facts = await factsFor(system, { known, mainIsNear, given: options.publicIp })
  const plan = planAgent(facts, offer.join, offer.join.launch ?? 'xxxxx')
  const state = stateOf(options, { plan, mesh: offer.join.main.mesh, offer }, known)
  return dryRunText(`${plan.nodeName} would join the mesh ${offer.join.main.mesh}, with:`, [
    ...plan.files,
    stateFile(AT.agent, state),
    { path: `${AT.units}/${UNIT.agent}`, mode: 0o644, content: agentUnit(process.execPath) },
  ])
}
