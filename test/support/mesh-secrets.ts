/** The secrets of a mesh that is up, and a look at all that other users of the machine could see meanwhile. */
import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { MeshLab } from './mesh-lab/lab.ts'

interface Secret {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}

/** Join tokens that are good now, without their public half. */
export async function joinSecrets(lab: MeshLab): Promise<readonly string[]> {
  const { items } = JSON.parse(await lab.kubectl('get', 'secrets', '-A', '-o', 'json')) as {
    items: readonly Secret[]
  }
  return items
    .filter(({ type }) => type === 'bootstrap.kubernetes.io/token')
    .map(({ data }) => Buffer.from(data?.['token-secret'] ?? '', 'base64').toString())
}

/** A piece of the administrator's private key, as kubeconfigs have it. */
export async function adminSecret(lab: MeshLab): Promise<string> {
  const config = JSON.parse(await readFile(lab.adminKubeconfig, 'utf8')) as {
    users: readonly { user: { 'client-key-data': string } }[]
  }
  return config.users[0]?.user['client-key-data'].slice(100, 160) ?? ''
}

/** Values of VLLM_API_KEY that VMs have been handed. @param homes folder of the VMs' homes */
export async function apiKeys(homes: string): Promise<readonly string[]> {
  const files = await readdir(homes, { recursive: true })
  const secrets = files.filter(file => /\.lmrun\/launch\/secrets\.[^/]+$/.test(file))
  const texts = await Promise.all(secrets.map(file => readFile(path.join(homes, file), 'utf8')))
  return texts.flatMap(text => /VLLM_API_KEY=['"]?([-\w]+)/.exec(text)?.[1] ?? [])
}

/** Every command line of this machine, from now until it is disposed of. */
export function watchCommands(): Disposable & { readonly seen: ReadonlySet<string> } {
  const seen = new Set<string>()
  const look = () => {
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) seen.add(commandOf(pid))
  }
  const timer = setInterval(look, 100)
  return { seen, [Symbol.dispose]: () => clearInterval(timer) }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return '' // gone
  }
}
