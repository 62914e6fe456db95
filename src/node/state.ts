import path from 'node:path'
import type { MainInfo } from '../mesh-join.ts'
import { readIfThere } from './files.ts'
import { AT } from './paths.ts'
import type { AgentOptions } from './publish/agent.ts'
import type { PlannedFile } from './types.ts'

/** What a VM's agent was told, and the unit reads; secrets are not in it. */
export interface AgentState
  extends Pick<AgentOptions, 'kubeconfig' | 'nodeName' | 'publish' | 'ranks' | 'models' | 'apiKeyFile'> {
  /** Of main. */
  readonly mesh: string
  readonly interface: string
}

/** The same on main. */
export interface MainState {
  readonly nodeName: string
  readonly interface: string
  readonly info: MainInfo
  /** How long a token for VMs launched by hand lives; null: there is nowhere to keep one. */
  readonly ttlSeconds: number | null
}

export async function readAgentState(root: string): Promise<AgentState | null> {
  return readState<AgentState>(root, AT.agent)
}

export async function readMainState(root: string): Promise<MainState | null> {
  return readState<MainState>(root, AT.main)
}

export function stateFile(at: string, state: AgentState | MainState): PlannedFile {
  return { path: at, mode: 0o600, content: `${JSON.stringify(state, null, 2)}\n` }
}

/** Written by us alone, and by the same version: app and unit come along with it. */
async function readState<T>(root: string, at: string): Promise<T | null> {
  const text = await readIfThere(path.join(root, at))
  return text === null ? null : (JSON.parse(text) as T)
}
