import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { LmrunError } from '../../errors.ts'

/** How to speak with an API server: PEM texts, whether they came inline or as files. */
export interface KubeAccess {
  /** `https://127.0.0.1:6444` */
  readonly server: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A PEM as a kubeconfig holds it: `<key>` is a file, `<key>-data` is base64. */
type Pem = 'certificate-authority' | 'client-certificate' | 'client-key'
type Section = Readonly<Record<string, unknown>>

/**
 * Reads what its current context says. Client certificates only: what K3s gives to kubelets and to main's admin.
 * @throws LmrunError when the file is not there or not like this
 */
export async function readKubeconfig(file: string): Promise<KubeAccess> {
  try {
    const config = parse(await readFile(file, 'utf8')) as Section
    const context = find(config, 'context', config['current-context'])
    const cluster = find(config, 'cluster', context.cluster)
    const user = find(config, 'user', context.user)
    const pem = (from: Section, key: Pem) => readPem(from, key, path.dirname(file))
    const [ca, cert, key] = await Promise.all([
      pem(cluster, 'certificate-authority'),
      pem(user, 'client-certificate'),
      pem(user, 'client-key'),
    ])
    return { server: text(cluster.server), ca, cert, key }
  } catch (cause) {
    throw new LmrunError(`${file} is no kubeconfig with a client certificate that can be used here`, {
      cause,
      hint: 'It is there once K3s has joined: systemctl status lmrun-k3s',
    })
  }
}

/** `contexts`, `clusters` and `users` are lists of `{name, context}`, and so on. Not zod: an agent does without its 10 MB. */
function find(config: Section, kind: 'context' | 'cluster' | 'user', name: unknown): Section {
  const all = config[`${kind}s`]
  const found = Array.isArray(all) ? (all as Section[]).find(one => one.name === name) : undefined
  const section = found?.[kind]
  if (typeof section !== 'object' || section === null) throw new TypeError(`it has no ${kind} ${name}`)
  return section as Section
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`${value} is no text`)
  return value
}

/** A file's path is relative to the kubeconfig's folder, as for kubectl. */
async function readPem(from: Section, key: Pem, folder: string): Promise<string> {
  const data = from[`${key}-data`]
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8')
  const file = from[key]
  if (typeof file !== 'string') throw new TypeError(`it has no ${key}`)
  return readFile(path.resolve(folder, file), 'utf8')
}
