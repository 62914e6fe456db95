import { createHash } from 'node:crypto'

/**
 * What every VM says of its owner, in the cloud's own labels: enough for the sweeper to decide without any state.
 * Keys and values are valid on every cloud: lowercase letters, digits, `-` and `_`, at most 63 characters (GCP's rule,
 * the strictest: https://cloud.google.com/compute/docs/labeling-resources).
 */
export interface Owner {
  /** Workflow run id, or `local-<short>`. */
  readonly run: string
  readonly attempt: string
  /** `owner/name`; null outside of workflows. */
  readonly repository: string | null
  /** Unix seconds after which the VM is nobody's: the run's limit, its lease and the time to end it. */
  readonly expiry: number
  /** `down`: ends with its run. `keep`: outlives it on purpose, until its lease ends. */
  readonly ending: Ending
}

export type Ending = 'down' | 'keep'

export const LABEL = {
  run: 'lmrun-run',
  attempt: 'lmrun-attempt',
  repository: 'lmrun-repository',
  expiry: 'lmrun-expiry',
  ending: 'lmrun-ending',
  role: 'lmrun-role',
} as const

/** An owner as read back: the repository is only recognised, not spelt. */
export interface OwnerLabels extends Omit<Owner, 'repository'> {
  /** As `repositoryLabel` makes it; null outside of workflows. */
  readonly repository: string | null
}

export function ownerLabels(owner: Owner): Record<string, string> {
  return {
    [LABEL.run]: owner.run.toLowerCase(),
    [LABEL.attempt]: owner.attempt,
    ...(owner.repository === null ? {} : { [LABEL.repository]: repositoryLabel(owner.repository) }),
    [LABEL.expiry]: String(Math.ceil(owner.expiry)),
    [LABEL.ending]: owner.ending,
  }
}

/** Null for what is not ours: a label is missing, or is nothing that `ownerLabels` writes. */
export function readOwner(labels: Readonly<Record<string, string>>): OwnerLabels | null {
  const run = labels[LABEL.run]
  const attempt = labels[LABEL.attempt]
  const expiry = labels[LABEL.expiry]
  const ending = labels[LABEL.ending]
  if (!run || !/^(\d{1,20}|local-[a-z0-9]{1,16})$/.test(run)) return null
  if (!attempt || !/^\d{1,9}$/.test(attempt)) return null
  if (!expiry || !/^\d{1,12}$/.test(expiry)) return null
  if (ending !== 'down' && ending !== 'keep') return null
  return { run, attempt, repository: labels[LABEL.repository] ?? null, expiry: Number(expiry), ending }
}

/** `Acme/Widgets.js` → `acme-widgets-js-1f0c9a3e5b7d`: readable, and as good as unique by its hash. */
export function repositoryLabel(repository: string): string {
  // GitHub takes names in any case for the same repository.
  const name = repository.toLowerCase()
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12)
  const readable = name
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 50)
    .replace(/-+$/, '')
  return `${readable}-${hash}`
}
