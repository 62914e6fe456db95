/** What SkyPilot's clouds can do. Source: sky/clouds/*.py of SkyPilot 0.14.1. */

const NO_PORTS = new Set(['slurm', 'hyperbolic', 'ibm', 'mithril', 'vsphere'])
const NO_SPOT = new Set([
  ...['slurm', 'ssh', 'cudo', 'do', 'fluidstack', 'hyperbolic', 'lambda', 'paperspace', 'scp', 'seeweb'],
  ...['shadeform', 'vsphere', 'yotta'],
])

/** Whose VMs are machines of their own that may be shut down: no pods, no containers, no allocations of a shared host. */
export const DEDICATED: readonly string[] = [
  ...[
    'aws',
    'azure',
    'gcp',
    'lambda',
    'nebius',
    'fluidstack',
    'cudo',
    'paperspace',
    'do',
    'oci',
    'ibm',
    'scp',
  ],
  ...['hyperbolic', 'seeweb', 'shadeform', 'verda', 'mithril'],
]

/** Can give a VM an identity of its own instead of a copy of whoever launches it. Pods have one anyway. */
const SERVICE_ACCOUNT = ['aws', 'azure', 'gcp']
/** Further ones whose files SkyPilot can be told to leave where they are: sky/utils/schemas.py. `ssh` shares a kubeconfig. */
const LEAVES_FILES = ['kubernetes', 'nebius', 'oci', 'ssh', 'vast']

/** `gcp/us-central1` → `gcp`; `k8s` is Kubernetes' short name. */
export function cloudOf(infra: string): string {
  const cloud = infra.split('/', 1)[0]?.toLowerCase() ?? ''
  return cloud === 'k8s' ? 'kubernetes' : cloud
}

export function opensPorts(infra: string | undefined): boolean {
  return infra === undefined || !NO_PORTS.has(cloudOf(infra))
}

export function hasSpot(infra: string | undefined): boolean {
  return infra === undefined || !NO_SPOT.has(cloudOf(infra))
}

/**
 * The least identity that lets a VM end itself, as `--config` of `sky launch`: SkyPilot refuses it in a task's own
 * `config` for all but Azure and Kubernetes (OVERRIDEABLE_CONFIG_KEYS_IN_TASK). Clouds that the VM is not on give none.
 */
export function identityConfig(infra: readonly string[]): string[] {
  if (infra.length === 0) return []
  const used = infra.map(cloudOf)
  return [
    ...SERVICE_ACCOUNT.map(
      cloud => `${cloud}.remote_identity=${used.includes(cloud) ? 'SERVICE_ACCOUNT' : 'NO_UPLOAD'}`,
    ),
    ...LEAVES_FILES.filter(cloud => !used.includes(cloud)).map(cloud => `${cloud}.remote_identity=NO_UPLOAD`),
  ]
}
