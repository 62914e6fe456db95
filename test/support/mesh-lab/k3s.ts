/**
 * What stands in for `k3s agent` in a machine of the lab: takes K3s's options, config file and tokens, leaves K3s's
 * files, runs the real flannel and kube-proxy, and does of a kubelet what a node without pods needs. Ends, as it
 * began, with a signal. Usage: k3s agent --server URL --token-file FILE --node-name NAME …
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientCertificate, type Join, serverCa } from './bootstrap.ts'
import { heartbeat, register } from './kubelet.ts'
import { joinOf, type Options, readOptions } from './options.ts'
import { kubeconfigText } from './pki.ts'

/** Where K3s keeps what an agent has. */
const AGENT = '/var/lib/rancher/k3s/agent'
/** The service `kubernetes`. */
const API_SERVICE = '10.43.0.1'
const PASSWORD = '/etc/rancher/node/password'
/** Of the lab, in every machine. */
const LAB_FILE = '/opt/mesh-lab/lab.json'

/** Written by lab.ts. */
interface LabFile {
  /** Folder of the built components. */
  readonly components: string
  /** kube-proxy's and flannel's kubeconfigs; in K3s the server hands them to a node that has joined. */
  readonly kubeProxy: string
  readonly flannel: string
  readonly flannelConf: string
  readonly heartbeatMs: number
}

interface Identity {
  readonly server: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Made once for a machine, as K3s's: who else comes with this node's name is refused. */
async function password(): Promise<string> {
  if (existsSync(PASSWORD)) return (await readFile(PASSWORD, 'utf8')).trim()
  await mkdir(path.dirname(PASSWORD), { recursive: true })
  const made = randomBytes(16).toString('hex')
  await writeFile(PASSWORD, `${made}\n`, { mode: 0o600 })
  return made
}

/** What an earlier start of the same node left: a token is for joining alone, and may have expired since. */
async function kept(nodeName: string): Promise<{ cert: string; key: string } | null> {
  const [cert, key] = [path.join(AGENT, 'client-kubelet.crt'), path.join(AGENT, 'client-kubelet.key')]
  if (!existsSync(cert)) return null
  const identity = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
  const subject = new X509Certificate(identity.cert).subject.split('\n')
  return subject.includes(`CN=system:node:${nodeName}`) ? identity : null
}

/** Leaves what a K3s agent leaves: the node's identity and its kubeconfigs. */
async function keep({ server, ca, cert, key }: Identity, lab: LabFile): Promise<void> {
  await mkdir(AGENT, { recursive: true })
  const secret = { mode: 0o600 }
  await writeFile(path.join(AGENT, 'server-ca.crt'), ca)
  await writeFile(path.join(AGENT, 'client-kubelet.crt'), cert, secret)
  await writeFile(path.join(AGENT, 'client-kubelet.key'), key, secret)
  const parts = { server, ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) }
  await writeFile(path.join(AGENT, 'kubelet.kubeconfig'), kubeconfigText(parts), secret)
  await copyFile(lab.kubeProxy, path.join(AGENT, 'kubeproxy.kubeconfig'))
  await copyFile(lab.flannel, path.join(AGENT, 'k3scontroller.kubeconfig'))
}

/** The back end is vxlan also where WireGuard is asked for, which needs a kernel with it; its port and its MTU stay. */
async function flannelConf(asked: string | undefined, lab: LabFile): Promise<string> {
  if (asked === undefined) return lab.flannelConf
  const { Backend, ...conf } = JSON.parse(await readFile(asked, 'utf8')) as { Backend: { MTU?: number } }
  const file = path.join(AGENT, 'flannel.json')
  const mtu = Backend.MTU === undefined ? {} : { MTU: Backend.MTU }
  await writeFile(
    file,
    JSON.stringify({ EnableIPv4: true, ...conf, Backend: { Type: 'vxlan', Port: 51_820, ...mtu } }),
  )
  return file
}

async function flannel(join: Join, lab: LabFile, options: Options): Promise<ChildProcess> {
  return component(path.join(lab.components, 'flanneld'), [], {
    KUBECONFIG: path.join(AGENT, 'k3scontroller.kubeconfig'),
    NODE_NAME: join.nodeName,
    NET_CONF: await flannelConf(options['flannel-conf'], lab),
    IFACE: options['flannel-iface'] ?? 'eth0',
    PUBLIC_IP: join.externalIp ?? '',
    SUBNET_FILE: SUBNET_FILE,
  })
}
const SUBNET_FILE = '/run/flannel/subnet.env'

async function kubeProxy(join: Join, lab: LabFile): Promise<ChildProcess> {
  const file = path.join(AGENT, 'kube-proxy.json')
  const config = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: path.join(AGENT, 'kubeproxy.kubeconfig') },
    clusterCIDR: '10.42.0.0/16',
    hostnameOverride: join.nodeName,
    mode: 'iptables',
    // The kernel's tables of connections belong to the machine under the lab.
    conntrack: { maxPerCore: 0, min: 0 },
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
  }
  await writeFile(file, JSON.stringify(config))
  return component(path.join(lab.components, 'kubelab'), ['kube-proxy', '--config', file])
}

/** Whether kube-proxy has done its work, once. */
async function connects(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: 500 }, () => done(true))
    const done = (connected: boolean) => {
      socket.destroy()
      resolve(connected)
    }
    socket.on('error', () => done(false)).on('timeout', () => done(false))
  })
}

/** One that ends ends the agent: K3s is one process. */
function component(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  child.once('exit', code => {
    console.error(`${path.basename(file)} ${args[0] ?? ''} ended with ${code}`)
    process.exit(1)
  })
  return child
}

async function agent(args: readonly string[]): Promise<void> {
  const lab = JSON.parse(await readFile(LAB_FILE, 'utf8')) as LabFile
  const options = await readOptions(args)
  const join = await joinOf(options)
  const ca = await serverCa(join)
  const identity = (await kept(join.nodeName)) ?? (await clientCertificate(join, ca))
  const access = { server: join.server, ca, ...identity }
  const podCidr = await register(access, join, await password())
  await keep(access, lab)
  await rm(SUBNET_FILE, { force: true }) // of an earlier start: no sign of this one
  await mkdir(path.dirname(SUBNET_FILE), { recursive: true })
  // kube-proxy waits for the addresses.
  await heartbeat(access, join, 'False')
  await flannel(join, lab, options)
  await kubeProxy(join, lab)
  while (!existsSync(SUBNET_FILE) || !(await connects(API_SERVICE, 443))) await sleep(20)
  await heartbeat(access, join, 'True')
  console.log(`k3s is up: ${join.nodeName} ${podCidr}`)
  for (;;) {
    await sleep(lab.heartbeatMs)
    await heartbeat(access, join, 'True').catch((error: Error) =>
      console.error(`no heartbeat: ${error.message}`),
    )
  }
}

const [command, ...args] = process.argv.slice(2)
try {
  if (command !== 'agent') throw new Error(`no command ${command} in the lab's k3s`)
  await agent(args)
} catch (error) {
  console.error(`level=fatal msg="${(error as Error).message}"`)
  process.exit(1)
}
