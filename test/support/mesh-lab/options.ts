/** The options of `k3s agent`: flags, and the config file under them. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { parse } from 'yaml'
import type { Join } from './bootstrap.ts'

const ONE = [
  'server',
  'token',
  'token-file',
  'node-name',
  'node-ip',
  'node-external-ip',
  'flannel-iface',
  'flannel-conf',
  'config',
] as const
/** Those that change nothing without pods, and those of K3s's own making that the lab does not have. */
const IDLE = [
  'data-dir',
  'debug',
  'disable-apiserver-lb',
  'disable-default-registry-endpoint',
  'lb-server-port',
  'log',
  'private-registry',
  'protect-kernel-defaults',
  'resolv-conf',
  'snapshotter',
  'v',
  'vmodule',
]
const MANY = ['node-label', 'node-taint', 'kubelet-arg', 'kube-proxy-arg'] as const
export type Options = Partial<Record<(typeof ONE)[number], string>> & Record<(typeof MANY)[number], string[]>

/** Flags win over the config file, as in K3s. @throws Error for an option that K3s's agent does not have, or not here */
export async function readOptions(args: readonly string[]): Promise<Options> {
  const flags: [string, string][] = []
  for (let i = 0; i < args.length; i += 1) {
    const [name = '', inline] = (args[i] ?? '').replace(/^--/, '').split(/=(.*)/s)
    if (inline === undefined) i += 1
    flags.push([name, inline ?? args[i] ?? ''])
  }
  const file = flags.find(([name]) => name === 'config')?.[1] ?? '/etc/rancher/k3s/config.yaml'
  const config = existsSync(file)
    ? ((parse(await readFile(file, 'utf8')) ?? {}) as Record<string, unknown>)
    : {}
  const all = [
    ...Object.entries(config).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, String(one)]),
    ),
    ...flags,
  ]
  const options: Options = { 'node-label': [], 'node-taint': [], 'kubelet-arg': [], 'kube-proxy-arg': [] }
  for (const [name, value] of all) {
    const many = MANY.find(known => known === name)
    const one = ONE.find(known => known === name)
    if (many) options[many].push(value)
    else if (one) options[one] = value
    else if (!IDLE.includes(name)) throw new Error(`flag provided but not defined: -${name}`)
  }
  return options
}

/** @throws Error when K3s could not know where to go, with what, or as whom */
export async function joinOf(options: Options): Promise<Join> {
  const { server, 'node-name': nodeName, 'node-ip': nodeIp } = options
  const token =
    options.token ??
    (options['token-file'] ? (await readFile(options['token-file'], 'utf8')).trim() : undefined)
  if (!server || !token || !nodeName) throw new Error('--server, --token and --node-name are required')
  return {
    server,
    token,
    nodeName,
    nodeIp: nodeIp ?? networkInterfaces().eth0?.[0]?.address ?? '',
    ...(options['node-external-ip'] ? { externalIp: options['node-external-ip'] } : {}),
    labels: Object.fromEntries(options['node-label'].map(label => label.split(/=(.*)/s).slice(0, 2))),
  }
}
