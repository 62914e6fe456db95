/** Of the Kubernetes client what the mesh and the sweeper use, loaded when they do. */
export { ApiException, CoreV1Api, DiscoveryV1Api, KubeConfig, Watch } from '@kubernetes/client-node'
