import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Forwards } from './forwards.ts'
import type { Machine } from './machine.ts'
import type { Pki } from './pki.ts'

/** Where a machine of the lab has the stand-in for K3s's command, to be called or copied by what installs K3s. */
export const K3S = '/opt/mesh-lab/k3s'

/** A machine in the lab's network. */
export interface LabVm {
  readonly name: string
  /** In the network that all VMs share, outside of the mesh. */
  readonly address: string
  readonly machine: Machine
  spawn: Machine['spawn']
  run: Machine['run']
  file: Machine['file']
  /** Resolves with a port of 127.0.0.1 here that leads to `port` on the VM, or on a host that the VM reaches. */
  forward(port: number, host?: string): Promise<number>
}

export interface Contents {
  readonly pki: Pki
  /** Folder of the built components. */
  readonly components: string
  /** Path of flannel's configuration. */
  readonly flannelConf: string
  readonly heartbeatMs: number
}

export async function createVm(
  machine: Machine,
  address: string,
  contents: Contents,
  forwards: Forwards,
): Promise<LabVm> {
  await furnish(machine, contents)
  return {
    name: machine.name,
    address,
    machine,
    spawn: machine.spawn.bind(machine),
    run: machine.run.bind(machine),
    file: machine.file.bind(machine),
    forward: async (port, host) => forwards.open(machine, port, host),
  }
}

/** Names, and K3s's stand-in; no resolver, for there is no world outside. */
async function furnish(machine: Machine, contents: Contents): Promise<void> {
  const { pki, components, flannelConf, heartbeatMs } = contents
  await writeFile(machine.file('/etc/hostname'), `${machine.name}\n`)
  await writeFile(machine.file('/etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${machine.name}\n`)
  await machine.run('rm', ['-f', '/etc/resolv.conf']) // may be a link
  await writeFile(machine.file('/etc/resolv.conf'), 'nameserver 127.0.0.53\n')
  const [kubeProxy, flannel] = [pki.file('kube-proxy.kubeconfig'), pki.file('flannel.kubeconfig')]
  const lab = { components, kubeProxy, flannel, flannelConf, heartbeatMs }
  await mkdir(machine.file(path.dirname(K3S)), { recursive: true })
  await writeFile(machine.file(path.join(path.dirname(K3S), 'lab.json')), JSON.stringify(lab))
  await script(machine, K3S, `exec node ${path.join(import.meta.dirname, 'k3s.ts')} "$@"`)
}

/** What a K3s server leaves on its machine, and kubectl. */
export async function furnishMain({ machine }: LabVm, { pki, components }: Contents): Promise<void> {
  const tls = '/var/lib/rancher/k3s/server/tls'
  await mkdir(machine.file(tls), { recursive: true })
  await mkdir(machine.file('/etc/rancher/k3s'), { recursive: true })
  await writeFile(machine.file(`${tls}/server-ca.crt`), await pki.ca())
  const config = await pki.kubeconfig('admin', 'https://127.0.0.1:6443')
  await writeFile(machine.file('/etc/rancher/k3s/k3s.yaml'), config, { mode: 0o600 })
  // biome-ignore lint/suspicious/noTemplateCurlyInString: for sh
  const as = 'KUBECONFIG="${KUBECONFIG:-/etc/rancher/k3s/k3s.yaml}"'
  await script(
    machine,
    '/usr/local/bin/kubectl',
    `${as} exec ${path.join(components, 'kubelab')} kubectl "$@"`,
  )
}

async function script(machine: Machine, file: string, line: string): Promise<void> {
  await writeFile(machine.file(file), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
}
