/** CoreDNS as a pod of main, behind the service that K3s gives it. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Access, apply } from './api.ts'
import type { Machine } from './machine.ts'
import type { Pki } from './pki.ts'

/** Of the service kube-dns, as K3s has it. */
export const DNS = '10.43.0.10'
/** Pods of the first node begin here; .1 is the bridge's. */
const BRIDGE = '10.42.0.1'
const POD = '10.42.0.2'

/** K3s's, without what needs a world outside. */
const COREFILE = (kubeconfig: string) => `.:53 {
  errors
  health
  ready
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${kubeconfig}
    pods insecure
    fallthrough in-addr.arpa ip6.arpa
  }
  cache 30
  loadbalance
}
`

export interface DnsOptions {
  readonly main: Machine
  /** Of which it becomes a pod. */
  readonly pod: Machine
  readonly pki: Pki
  readonly components: string
  readonly admin: Access
}

/** Resolves when it answers. */
export async function startDns({ main, pod, pki, components, admin }: DnsOptions): Promise<void> {
  await main.ip('link', 'add', 'cni0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pod.pid))
  await main.ip('addr', 'add', `${BRIDGE}/24`, 'dev', 'cni0')
  await main.ip('link', 'set', 'cni0', 'mtu', '1450', 'up')
  await pod.ip('addr', 'add', `${POD}/24`, 'dev', 'eth0')
  await pod.ip('link', 'set', 'eth0', 'mtu', '1450', 'up')
  await pod.ip('route', 'add', 'default', 'via', BRIDGE)
  // By the service's address, as any pod.
  const kubeconfig = await pki.client('coredns', '/CN=system:coredns', 'https://10.43.0.1')
  const corefile = pki.file('Corefile')
  await writeFile(corefile, COREFILE(kubeconfig))
  for (const [at, object] of objects()) await apply(admin, at, object)
  const coredns = pod.spawn(path.join(components, 'coredns'), ['-conf', corefile])
  const ready = `const { setTimeout: sleep } = await import('node:timers/promises')
    while (!(await fetch('http://127.0.0.1:8181/ready').then(r => r.ok, () => false))) await sleep(50)`
  await Promise.race([
    pod.run('node', ['--input-type=module', '--eval', ready]),
    coredns.exited.then(code =>
      Promise.reject(new Error(`CoreDNS ended with ${code}: ${coredns.output().slice(-2_000)}`)),
    ),
  ])
}

function objects(): readonly (readonly [string, object])[] {
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'system:coredns' } }
  const ports = [
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
  ]
  return [
    [
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:coredns',
      {
        ...rbac,
        kind: 'ClusterRole',
        rules: [
          {
            apiGroups: [''],
            resources: ['services', 'pods', 'namespaces', 'endpoints'],
            verbs: ['list', 'watch'],
          },
          { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
        ],
      },
    ],
    [
      '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:coredns',
      {
        ...rbac,
        kind: 'ClusterRoleBinding',
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
        subjects: [{ kind: 'User', name: 'system:coredns', apiGroup: 'rbac.authorization.k8s.io' }],
      },
    ],
    [
      '/api/v1/namespaces/kube-system/services/kube-dns',
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'kube-dns' }, spec: { clusterIP: DNS, ports } },
    ],
    [
      '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns-pod',
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'kube-dns-pod', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
        addressType: 'IPv4',
        ports,
        endpoints: [{ addresses: [POD], conditions: { ready: true } }],
      },
    ],
  ]
}
