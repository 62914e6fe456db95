import { LmrunError } from '../errors.ts'
import type { KnownFacts } from './facts.ts'
import { isPrivate } from './network.ts'
import type { System } from './system.ts'

/** Where a VM's own public address can be asked for. */
export interface AddressSources {
  /** Of the clouds' metadata, the same on all of them. */
  readonly metadata: string
  /** Answers with the address that it sees: for clouds whose metadata do not tell. */
  readonly echo: string
}

export const ADDRESS_SOURCES: AddressSources = {
  metadata: 'http://169.254.169.254',
  echo: 'https://checkip.amazonaws.com',
}

/** Milliseconds; metadata are a hop away. */
const METADATA_MS = 2000
const ECHO_MS = 5000

type Ask = (path: string, init?: RequestInit) => Promise<string>

const BY_CLOUD: Readonly<Record<string, (ask: Ask) => Promise<string>>> = {
  // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
  aws: async ask => {
    const headers = { 'X-aws-ec2-metadata-token-ttl-seconds': '60' }
    const token = await ask('/latest/api/token', { method: 'PUT', headers })
    return ask('/latest/meta-data/public-ipv4', { headers: { 'X-aws-ec2-metadata-token': token } })
  },
  // https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
  gcp: ask =>
    ask('/computeMetadata/v1/instance/network-interfaces/0/access-configs/0/external-ip', {
      headers: { 'Metadata-Flavor': 'Google' },
    }),
  // https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
  azure: ask =>
    ask(
      '/metadata/instance/network/interface/0/ipv4/ipAddress/0/publicIpAddress?api-version=2021-02-01&format=text',
      { headers: { Metadata: 'true' } },
    ),
}

/**
 * Where the others reach a VM that is not near main.
 * @param given by whoever knows better
 * @throws LmrunError when it has none
 */
export async function publicAddress(
  { signal }: System,
  { cloud, privateIp }: KnownFacts,
  given: string | null,
): Promise<string> {
  const found = given ?? (await findPublicIp(cloud, privateIp, ADDRESS_SOURCES, signal))
  if (found !== null) return found
  throw new LmrunError('this VM has no public address, and does not reach main by a private one', {
    hint: 'Launch it in main’s network, or with a public address; if it has one, say so with --public-ip.',
  })
}

/** Null when it has none that anybody can tell. */
export async function findPublicIp(
  cloud: string | null,
  ownAddress: string,
  { metadata, echo }: AddressSources,
  signal: AbortSignal,
): Promise<string | null> {
  if (!isPrivate(ownAddress)) return ownAddress
  const byCloud = BY_CLOUD[cloud ?? '']
  const asked = byCloud
    ? byCloud((path, init) => fetchText(`${metadata}${path}`, METADATA_MS, signal, init))
    : fetchText(echo, ECHO_MS, signal)
  const text = await asked.catch(() => {
    signal.throwIfAborted()
    return ''
  })
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && !isPrivate(text) ? text : null
}

async function fetchText(
  url: string,
  ms: number,
  signal: AbortSignal,
  init: RequestInit = {},
): Promise<string> {
  const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(ms)]) })
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return (await response.text()).trim()
}
