import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { V1ConfigMap } from '@kubernetes/client-node'
import { LmrunError } from '../errors.ts'
import type { MainInfo } from '../mesh-join.ts'
import { KUBECONFIG_FILE, MAIN_INFO, MESH, readNodeName } from '../mesh-names.ts'
import { dryRunText } from './dry-run.ts'
import { type KnownFacts, knownFacts, makeLaunch } from './facts.ts'
import { readIfThere, writePlanned } from './files.ts'
import { applyGuards } from './guard/guard.ts'
import { userHomes } from './home.ts'
import { offerByHand } from './join/renew.ts'
import { isByHand } from './join/source.ts'
import { storeRegion } from './join/ssm.ts'
import { k3sStarter } from './k3s.ts'
import { connectKube } from './kube/client.ts'
import { MANAGER } from './kube/managers.ts'
import { PATH } from './kube/paths.ts'
import { readOwnNetwork, withMtu } from './network.ts'
import type { ServerOptions } from './options.ts'
import { keepOwnUnit } from './own-unit.ts'
import { AT, UNIT } from './paths.ts'
import { planServer } from './plan.ts'
import { ADDRESS_SOURCES, findPublicIp } from './public-ip.ts'
import { type MainState, readMainState, stateFile } from './state.ts'
import type { System } from './system.ts'
import { isActive } from './systemd.ts'
import type { Host, VmFacts } from './types.ts'
import { mainUnit } from './units.ts'

/** `k3s_server`: makes this VM the main node of a mesh that is called like it. A second time changes nothing. */
export async function runServerCommand(system: System, options: ServerOptions, host: Host): Promise<void> {
  const { log, root, signal } = system
  const facts = await serverFacts(system, options)
  const before = await readMainState(root)
  const launch = readNodeName(before?.nodeName ?? '')?.launch ?? makeLaunch(system.env, facts)
  const plan = planServer(facts, launch)
  const state = stateOf(system, options, facts, plan.nodeName)
  if (options.dryRun) {
    const files = [...plan.files, stateFile(AT.main, state), unitFile(system)]
    return log(dryRunText(`${facts.vm} would be the main node of the mesh ${facts.vm}, with:`, files))
  }
  const done: string[] = []
  if (await isChanged(system, before, plan.files)) {
    await k3sStarter(system)(plan, null, signal)
    done.push(`K3s is up: ${plan.nodeName}`)
  }
  if (await furnish(system, state.info))
    done.push('VMs may publish what is theirs, and the runner finds its way')
  done.push(
    ...(await host.apply({
      role: 'server',
      interface: facts.interface,
      ports: [],
      peers: [],
      containers: options.containers,
      ...system,
    })),
  )
  done.push(...(await letIn(system, state, before)))
  const { content } = unitFile(system)
  if (await keepOwnUnit(system, { unit: UNIT.main, content, state: stateFile(AT.main, state) }))
    done.push(`${UNIT.main} runs`)
  for (const line of done) log(line)
  if (done.length === 0) log(`nothing to change: this VM is the main node of the mesh ${facts.vm}`)
}

async function serverFacts(system: System, { name, publicIp, mtu }: ServerOptions): Promise<VmFacts> {
  const known = knownFacts(system.env, withMtu(await readOwnNetwork(system.root), mtu), name)
  if (known.nodes > 1) {
    throw new LmrunError(`main is one node, and ${known.vm} has ${known.nodes}`, {
      hint: 'Leave out num_nodes.',
    })
  }
  const found = publicIp ?? (await findPublicIp(known.cloud, known.privateIp, ADDRESS_SOURCES, system.signal))
  return { ...known, publicIp: found, mainIsNear: true }
}

function stateOf(system: System, { ttlSeconds }: ServerOptions, facts: VmFacts, nodeName: string): MainState {
  const byHand = isByHand(system) && storeRegion(system) !== null
  return { nodeName, interface: facts.interface, info: infoOf(facts), ttlSeconds: byHand ? ttlSeconds : null }
}

function infoOf({ vm, privateIp, publicIp, cloud, region }: KnownFacts & VmFacts): MainInfo {
  return { mesh: vm, privateIp, publicIp, port: MESH.apiPort, cloud, region }
}

async function isChanged(
  system: System,
  before: MainState | null,
  files: readonly { readonly path: string; readonly content: string }[],
): Promise<boolean> {
  if (!before || !(await isActive(system, UNIT.k3s))) return true
  for (const { path: at, content } of files)
    if ((await readIfThere(path.join(system.root, at))) !== content) return true
  return false
}

/** @returns whether anything of it was not there */
async function furnish(system: System, info: MainInfo): Promise<boolean> {
  const { root, signal } = system
  const kubeconfig = path.join(root, AT.adminKubeconfig)
  await applyGuards({ kubeconfig, signal })
  const kube = await connectKube(kubeconfig, signal)
  const main = JSON.stringify(info)
  const there = await kube.get<V1ConfigMap>(PATH.own(MAIN_INFO)).catch(() => null)
  const map = { apiVersion: 'v1', kind: 'ConfigMap', data: { main } }
  const metadata = { name: MAIN_INFO, namespace: MESH.ownNamespace }
  await kube.apply(PATH.own(MAIN_INFO), { ...map, metadata }, MANAGER.guard)
  const written = await handKubeconfig(system)
  return written || there?.data?.main !== main
}

/** For the runner, which comes over ssh as the VM's user. */
async function handKubeconfig(system: System): Promise<boolean> {
  const [home] = await userHomes(system)
  if (!home) throw new LmrunError('this VM’s user has no home', { hint: 'Set HOME.' })
  const content = await readFile(path.join(system.root, AT.adminKubeconfig), 'utf8')
  const file = { path: path.join(home.folder, KUBECONFIG_FILE), mode: 0o600, content }
  return (await writePlanned(system.root, [file], home.owner)).length > 0
}

/** What VMs join with that are launched by hand. */
async function letIn(system: System, state: MainState, before: MainState | null): Promise<string[]> {
  if (state.ttlSeconds !== null) {
    const where = await offerByHand(system, state, { again: before?.ttlSeconds !== state.ttlSeconds })
    return where === null ? [] : [`VMs that are launched by hand join by ${where}`]
  }
  if (isByHand(system)) system.log('AWS_DEFAULT_REGION is not set: VMs join by lmrun alone, not by hand')
  return []
}

function unitFile(system: System) {
  const { HOME = '/root' } = system.env
  const region = storeRegion(system)
  const content = mainUnit(process.execPath, {
    HOME,
    ...(region === null ? {} : { AWS_DEFAULT_REGION: region }),
  })
  return { path: `${AT.units}/${UNIT.main}`, mode: 0o644, content }
}
