import type { Join } from '../mesh-join.ts'

/** What a VM knows of itself, from SkyPilot's variables and its own interfaces. */
export interface VmFacts {
  /** VM name: SKYPILOT_CLUSTER_INFO's cluster_name. */
  readonly vm: string
  /** Lowercase: `aws`, `gcp`, `lambda`; null by hand outside of SkyPilot. */
  readonly cloud: string | null
  readonly region: string | null
  readonly rank: number
  readonly nodes: number
  /** Addresses of all ranks as SkyPilot gives them, the head's first. */
  readonly nodeIps: readonly string[]
  /** The interface with the default route. */
  readonly interface: string
  /** Of that interface. */
  readonly privateIp: string
  readonly publicIp: string | null
  /** Bytes, of that interface. */
  readonly mtu: number
  /** Main's private address answers on the API server's port: probed, not assumed. */
  readonly mainIsNear: boolean
}

/** A port that a VM shows to the mesh. */
export interface PublishedPort {
  /** `http` when there is one only. */
  readonly name: string
  readonly port: number
}

export interface PublishOptions {
  readonly ports: readonly PublishedPort[]
  /** Path that answers 200 when the service is healthy. */
  readonly health: string
  /** No cluster address: names resolve to the VMs themselves. */
  readonly headless: boolean
}

/**
 * Everything that K3s is started with, decided before anything is done: the one seam between us and K3s. Files are
 * complete; secrets are in files of mode 0600 alone.
 */
export interface K3sPlan {
  readonly role: 'server' | 'agent'
  readonly nodeName: string
  /** Files to be there before K3s starts: its config.yaml, flannel's conf, the token, the systemd unit. */
  readonly files: readonly PlannedFile[]
  /** Name of the systemd unit. */
  readonly unit: string
  /** Where the identity lies with which a Node speaks once it has joined. */
  readonly kubeconfig: string
}

export interface PlannedFile {
  readonly path: string
  readonly mode: number
  readonly content: string
}

/** Starts K3s and resolves when its Node is known to the API server. Tests put Kubernetes's own components here. */
export type StartK3s = (plan: K3sPlan, join: Join | null, signal: AbortSignal) => Promise<void>

/** What the VM's own system is changed for: src/node/host makes it so, and takes it back. */
export interface HostRequest {
  readonly role: 'server' | 'agent'
  /** The interface with the default route: what comes from outside. */
  readonly interface: string
  /** Shown to the mesh; all others are the VM's own. */
  readonly ports: readonly number[]
  /** Addresses of the VM's other nodes, which SkyPilot connects. */
  readonly peers: readonly string[]
  /** Docker's containers are to know the mesh's names, too. */
  readonly containers: boolean
  readonly log: (line: string) => void
  readonly signal: AbortSignal
}

export interface Host {
  /** Firewall and names, once K3s is up; a second time changes nothing. @returns what was changed, a line each */
  apply(request: HostRequest): Promise<readonly string[]>
  /** All of it, also of what is not there. @returns what was undone, a line each */
  undo(request: Pick<HostRequest, 'log' | 'signal'>): Promise<readonly string[]>
}
