import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { MachineProcess } from './machine.ts'
import { K3S, type LabVm } from './vm.ts'

const TOKEN_FILE = '/etc/rancher/k3s/join-token'
const DEADLINE_MS = 60_000

export interface JoinOptions {
  readonly nodeName: string
  /** `ID.SECRET`, with or without K3s's `K10<hash>::` before it. */
  readonly token: string
  /** The API server; main's address where nothing is said. */
  readonly server?: string
  /** More flags of `k3s agent`: `--node-label=a=b`. */
  readonly flags?: readonly string[]
}

export interface JoinedNode {
  readonly name: string
  readonly podCidr: string
  /** The node's own address in the mesh: the first of its pods' range. */
  readonly address: string
  /** K3s's stand-in; its end is the end of flannel, kube-proxy and heartbeats. */
  readonly k3s: MachineProcess
}

/** See MeshLab.joinAs. */
export async function joinAs(
  vm: LabVm,
  options: JoinOptions & { readonly server: string },
): Promise<JoinedNode> {
  const { nodeName, token, server, flags = [] } = options
  await mkdir(vm.file(path.dirname(TOKEN_FILE)), { recursive: true })
  await writeFile(vm.file(TOKEN_FILE), token, { mode: 0o600 })
  const given = ['--server', server, '--token-file', TOKEN_FILE, '--node-name', nodeName]
  return joined(nodeName, vm.spawn(K3S, ['agent', ...given, ...flags]))
}

/** Waits for a `k3s agent` in a VM, whoever started it. @throws Error with what it said when it ends before */
export async function joined(name: string, k3s: MachineProcess): Promise<JoinedNode> {
  const late = setTimeout(() => k3s.signal('SIGKILL'), DEADLINE_MS)
  try {
    const [, podCidr = ''] = await k3s.saw(/^k3s is up: \S+ (\S+)$/m)
    return { name, podCidr, address: podCidr.replace(/\/.*/, ''), k3s }
  } catch (error) {
    await k3s.end()
    throw error
  } finally {
    clearTimeout(late)
  }
}
