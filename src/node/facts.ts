import { createHash } from 'node:crypto'
import type { Env } from '../env.ts'
import { InputError, type Problem } from '../errors.ts'
import { randomText } from '../mesh-token.ts'
import type { OwnNetwork } from './network.ts'
import type { VmFacts } from './types.ts'

/** What is to be found out: whether main is near, and the public address. */
export type KnownFacts = Omit<VmFacts, 'publicIp' | 'mainIsNear'>

interface ClusterInfo {
  readonly cluster_name?: unknown
  readonly cloud?: unknown
  readonly region?: unknown
}

/**
 * What SkyPilot's variables and the own interface say.
 * @param name over SkyPilot's
 * @throws InputError when nobody says what this VM is called, or the mesh cannot call it so
 */
export function knownFacts(env: Env, network: OwnNetwork, name: string | null): KnownFacts {
  const info = readInfo(env.SKYPILOT_CLUSTER_INFO)
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
  const vm = name ?? text(info.cluster_name)
  // Setup has variables of its own, and none when it runs in a job.
  const given = env.SKYPILOT_SETUP_NODE_RANK ?? env.SKYPILOT_NODE_RANK
  const nodeIps = (env.SKYPILOT_SETUP_NODE_IPS ?? env.SKYPILOT_NODE_IPS ?? '').split(/\s+/).filter(Boolean)
  const nodes = Number(env.SKYPILOT_NUM_NODES ?? Math.max(nodeIps.length, 1))
  const rank = Number(given ?? (nodes > 1 ? Number.NaN : 0))
  const problems = [...nameProblems(vm), ...rankProblems(rank, nodes)]
  if (vm === null || problems.length > 0) throw new InputError(problems)
  return {
    vm,
    cloud: text(info.cloud)?.toLowerCase() ?? null,
    region: text(info.region),
    rank,
    nodes,
    nodeIps,
    interface: network.interface,
    privateIp: network.address,
    mtu: network.mtu,
  }
}

/** Of AWS, where this VM is; null elsewhere. */
export function awsRegion(env: Env): string | null {
  const { cloud, region } = readInfo(env.SKYPILOT_CLUSTER_INFO)
  return String(cloud).toLowerCase() === 'aws' && typeof region === 'string' ? region : null
}

function readInfo(json: string | undefined): ClusterInfo {
  try {
    const info: unknown = JSON.parse(json ?? '{}')
    return typeof info === 'object' && info !== null ? info : {}
  } catch {
    return {}
  }
}

/** A Node's name is a label's value too, of 63 characters at most, with `.RANK.LAUNCH` in it. */
const LONGEST = 53

function nameProblems(vm: string | null): Problem[] {
  if (vm === null) {
    const what = 'is not set: nobody says what this VM is called'
    const allowed = 'Keep the environment, as in sudo -E ./k3s_agent, or give --name.'
    return [{ where: 'SKYPILOT_CLUSTER_INFO', what, allowed }]
  }
  if (/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(vm) && vm.length <= LONGEST) return []
  const what = `${vm} cannot be the name of a service`
  const allowed = `Up to ${LONGEST} lowercase letters, digits and dashes, a letter first: sky launch -c qwen-coder`
  return [{ where: 'VM name', what, allowed }]
}

function rankProblems(rank: number, nodes: number): Problem[] {
  if (Number.isInteger(rank) && Number.isInteger(nodes) && rank >= 0 && rank < nodes) return []
  const what = Number.isNaN(rank) ? `is not set, on a VM of ${nodes} nodes` : `${rank} of ${nodes} is none`
  // SkyPilot 0.14.1 tells setups that run in a job (sky launch -d) no rank.
  const allowed =
    'On VMs of several nodes, let `run` begin with sudo -E ./k3s_agent, instead of `setup` ending with it.'
  return [{ where: 'SKYPILOT_NODE_RANK', what, allowed }]
}

/**
 * Five characters, the same on all ranks of a launch and not those of an earlier launch: from what all ranks know, when
 * there is more than one.
 */
export function makeLaunch(env: Env, { nodes, nodeIps }: Pick<VmFacts, 'nodes' | 'nodeIps'>): string {
  if (nodes === 1) return randomText(5)
  const known = `${env.SKYPILOT_TASK_ID ?? ''} ${nodeIps.join(' ')}`
  const hash = createHash('sha256').update(known).digest()
  return Array.from({ length: 5 }, (_, i) => ((hash[i] ?? 0) % 36).toString(36)).join('')
}
