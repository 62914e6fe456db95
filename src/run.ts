import { createHash, randomBytes } from 'node:crypto'
import type { Env } from './env.ts'
import type { Owner } from './labels.ts'

/** Who this run is: names of its VMs, labels on them, where its report points. */
export interface Run {
  /** Unique: in Actions `<run id>-<attempt>-<job>-<short>`, elsewhere `local-<short>`. */
  readonly id: string
  /** Five characters a–z0–9; ends every VM's name. */
  readonly short: string
  /** Who owns its VMs, but for when and how each ends. */
  readonly owner: Pick<Owner, 'run' | 'attempt' | 'repository'>
  readonly repository?: string
  readonly sha?: string
  /** The workflow run's page. */
  readonly url?: string
}

/** A run of this process. The random part keeps matrix legs, which share run id and job, apart. */
export function createRun(env: Env, nonce: string = randomBytes(8).toString('hex')): Run {
  const { GITHUB_RUN_ID: runId, GITHUB_RUN_ATTEMPT: attempt = '1', GITHUB_JOB: job = '' } = env
  const { GITHUB_REPOSITORY: repository, GITHUB_SHA: sha, GITHUB_SERVER_URL: server } = env
  const short = base36(`${repository}/${runId}/${attempt}/${job}/${nonce}`, 5)
  if (!runId) {
    const id = `local-${short}`
    return { id, short, owner: { run: id, attempt: '1', repository: null } }
  }
  const id = `${runId}-${attempt}-${normalise(job) || 'job'}-${short}`
  const owner = { run: runId, attempt, repository: repository ?? null }
  return {
    id,
    short,
    owner,
    ...(repository ? { repository } : {}),
    ...(sha ? { sha } : {}),
    ...(server && repository
      ? { url: `${server}/${repository}/actions/runs/${runId}/attempts/${attempt}` }
      : {}),
  }
}

/** SkyPilot adds up to 9 characters to a name and some clouds allow 35: facts in docs/architecture.md. */
const MAX_VM_NAME = 26

/**
 * VM name = service name = served model name: a DNS label that starts with a letter (RFC 1035, as a Kubernetes
 * Service wants it), at most 26 characters, readable. A long key is cut and told apart by four characters of its hash.
 */
export function vmName(modelKey: string, short: string): string {
  return `${fitted(modelKey, MAX_VM_NAME - short.length - 1)}-${short}`
}

/** The name of a server that is kept warm between runs: the model key alone. */
export function warmVmName(modelKey: string): string {
  return fitted(modelKey, MAX_VM_NAME)
}

function fitted(modelKey: string, room: number): string {
  const plain = normalise(modelKey)
  const lettered = /^[a-z]/.test(plain) ? plain : `m-${plain}`
  const name = lettered.length <= room ? lettered : `${lettered.slice(0, room - 5)}-${base36(modelKey, 4)}`
  return name.replace(/-+/g, '-')
}

/** Keys that would get the same name or the same LiveBench file (it lowercases them), as pairs. */
export function nameClashes(modelKeys: readonly string[]): readonly (readonly [string, string])[] {
  const seen = new Map<string, string>()
  const clashes: [string, string][] = []
  for (const key of modelKeys) {
    const name = vmName(key, 'xxxxx')
    const other = seen.get(name)
    if (other === undefined) seen.set(name, key)
    else clashes.push([other, key])
  }
  return clashes
}

function normalise(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
}

function base36(text: string, length: number): string {
  const hash = createHash('sha256').update(text).digest()
  return BigInt(`0x${hash.toString('hex')}`)
    .toString(36)
    .slice(-length)
}
