import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { V1Service } from '@kubernetes/client-node'
import { MESH, MESH_LABEL, serviceHost } from '../../mesh-names.ts'
import { readIfThere } from '../files.ts'
import { followAll, type Watching } from '../kube/follow.ts'
import { PATH } from '../kube/paths.ts'
import { withNames } from './hosts-file.ts'

/**
 * How a VM's own programs find a service by name. Where systemd-resolved is at work, it asks the mesh's DNS for
 * `cluster.local` and nothing else; elsewhere the agent keeps a block in /etc/hosts.
 */
export const DROP_IN = '/etc/systemd/resolved.conf.d/lmrun.conf'

export const DROP_IN_TEXT = `# Names of the LMRun mesh; \`lmrun-node leave\` takes this away.
[Resolve]
DNS=${MESH.dns}
Domains=~${MESH.domain}
`

const HOSTS = '/etc/hosts'

/** systemd-resolved is what this VM's programs ask. */
export async function hasResolved(root: string): Promise<boolean> {
  if (!existsSync(path.join(root, '/run/systemd/resolve'))) return false
  const conf = (await readIfThere(path.join(root, '/etc/resolv.conf'))) ?? ''
  return /^nameserver 127\.0\.0\.5[34]$/m.test(conf)
}

/**
 * Keeps the names of all services in /etc/hosts, until the signal aborts; takes them out then. A headless service has no
 * address of its own, and is not there: ask the mesh's DNS for it.
 */
export async function keepHosts(root: string, watching: Watching): Promise<void> {
  const file = path.join(root, HOSTS)
  // One write after the other.
  let last = Promise.resolve(false)
  const told = (services: ReadonlyMap<string, V1Service>) => {
    last = last.then(() => writeNames(file, namesOf([...services.values()])))
    last.catch(error => watching.log(`${HOSTS} could not be written: ${String(error)}`))
  }
  try {
    await followAll<V1Service>(PATH.service(), watching, told)
  } finally {
    await last.catch(() => {})
    await writeNames(file, new Map())
  }
}

export function namesOf(services: readonly V1Service[]): Map<string, string> {
  return new Map(
    services.flatMap(({ metadata, spec }) => {
      const address = spec?.clusterIP
      if (!metadata?.name || !metadata.labels?.[MESH_LABEL.vm] || !address || address === 'None') return []
      return [[serviceHost(metadata.name), address] as const]
    }),
  )
}

/**
 * In place: in containers the file is mounted, and cannot be replaced.
 * @returns whether it was not so already
 */
export async function writeNames(file: string, names: ReadonlyMap<string, string>): Promise<boolean> {
  const before = (await readIfThere(file)) ?? ''
  const after = withNames(before, names)
  if (after === before) return false
  await writeFile(file, after)
  return true
}
