/** Where things of the mesh lie on a VM. */
export const AT = {
  /** What an agent was told: read by its unit. */
  agent: '/etc/lmrun/agent.json',
  /** The same for main. */
  main: '/etc/lmrun/main.json',
  /** Ours, whatever becomes of the folder that we were started from. */
  app: '/usr/local/lib/lmrun/app',
  k3s: '/usr/local/lib/lmrun/k3s',
  units: '/etc/systemd/system',
  config: '/etc/rancher/k3s/config.yaml',
  flannel: '/etc/rancher/k3s/flannel.json',
  token: '/etc/rancher/k3s/token',
  /** K3s's own. */
  adminKubeconfig: '/etc/rancher/k3s/k3s.yaml',
  kubelet: '/var/lib/rancher/k3s/agent/kubelet.kubeconfig',
  data: '/var/lib/rancher/k3s',
  /** A Node's, by which main knows it again. */
  password: '/etc/rancher/node',
} as const

export const UNIT = {
  k3s: 'lmrun-k3s.service',
  agent: 'lmrun-agent.service',
  main: 'lmrun-main.service',
} as const
