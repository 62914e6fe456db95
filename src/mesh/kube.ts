import type { CoreV1Api, DiscoveryV1Api, KubeConfig } from '@kubernetes/client-node'
import type { Watcher } from '../mesh-kube.ts'

/** The API server of a mesh, as its admin sees it. */
export interface Kube {
  readonly core: CoreV1Api
  readonly discovery: DiscoveryV1Api
  readonly watcher: Watcher
  /** The CA's certificate, PEM, as K3s keeps it on disk. */
  readonly ca: string
  readonly server: string
  /** HTTP status of an error that the API server answered with; null for others. */
  readonly statusOf: (error: unknown) => number | null
}

/** @param kubeconfig YAML */
export async function connectKube(kubeconfig: string): Promise<Kube> {
  const { ApiException, CoreV1Api, DiscoveryV1Api, KubeConfig, Watch } = await import('../kube-sdk.ts')
  const config = new KubeConfig()
  config.loadFromString(kubeconfig)
  return {
    core: config.makeApiClient(CoreV1Api),
    discovery: config.makeApiClient(DiscoveryV1Api),
    watcher: new Watch(config),
    ...clusterOf(config),
    statusOf: error => (error instanceof ApiException ? error.code : null),
  }
}

function clusterOf(config: KubeConfig): Pick<Kube, 'ca' | 'server'> {
  const cluster = config.getCurrentCluster()
  if (!cluster?.caData) throw new TypeError('the kubeconfig has no certificate-authority-data')
  return { ca: Buffer.from(cluster.caData, 'base64').toString('utf8'), server: cluster.server }
}
