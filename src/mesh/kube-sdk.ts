/** Of the Kubernetes client what the runner's side of the mesh uses, loaded when it does. */
export { ApiException, CoreV1Api, DiscoveryV1Api, KubeConfig, Watch } from '@kubernetes/client-node'
