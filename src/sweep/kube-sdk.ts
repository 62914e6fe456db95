/** Of the Kubernetes client what the sweeper uses, loaded when it does. */
export { ApiException, CoreV1Api, KubeConfig } from '@kubernetes/client-node'
