import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { LmrunError } from '../../errors.ts'

/** How to speak with an API server: PEM texts, whether they came inline or as files. */
export interface KubeAccess {
  /** `https://127.0.0.1:6444` */
  readonly server: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const text = z.string().min(1)
/** A PEM as a kubeconfig holds it: `<key>` is a file, `<key>-data` is base64. */
type Pem = 'certificate-authority' | 'client-certificate' | 'client-key'
const entry = z.record(z.string(), z.unknown())
const schema = z.object({
  'current-context': text,
  contexts: z.array(z.object({ name: text, context: z.object({ cluster: text, user: text }) })),
  clusters: z.array(z.object({ name: text, cluster: entry.and(z.object({ server: text })) })),
  users: z.array(z.object({ name: text, user: entry })),
})

/**
 * Reads what its current context says. Client certificates only: what K3s gives to kubelets and to main's admin.
 * @throws LmrunError when the file is not there or not like this
 */
export async function readKubeconfig(file: string): Promise<KubeAccess> {
  try {
    const config = schema.parse(parse(await readFile(file, 'utf8')))
    const { context } = find(config.contexts, config['current-context'])
    const { cluster } = find(config.clusters, context.cluster)
    const { user } = find(config.users, context.user)
    const pem = (from: Record<string, unknown>, key: Pem) => readPem(from, key, path.dirname(file))
    const [ca, cert, key] = await Promise.all([
      pem(cluster, 'certificate-authority'),
      pem(user, 'client-certificate'),
      pem(user, 'client-key'),
    ])
    return { server: cluster.server, ca, cert, key }
  } catch (cause) {
    throw new LmrunError(`${file} is no kubeconfig with a client certificate that can be used here`, {
      cause,
      hint: 'It is there once K3s has joined: systemctl status lmrun-k3s',
    })
  }
}

function find<T extends { readonly name: string }>(all: readonly T[], name: string): T {
  const found = all.find(one => one.name === name)
  if (!found) throw new TypeError(`it names ${name}, which it does not have`)
  return found
}

/** A file's path is relative to the kubeconfig's folder, as for kubectl. */
async function readPem(from: Record<string, unknown>, key: Pem, folder: string): Promise<string> {
  const data = from[`${key}-data`]
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8')
  const file = from[key]
  if (typeof file !== 'string') throw new TypeError(`it has no ${key}`)
  return readFile(path.resolve(folder, file), 'utf8')
}
