import { type OwnerLabels, readOwner, repositoryLabel } from '../labels.ts'
import type { Found } from './found.ts'

/** What GitHub says of one attempt of a workflow run. */
export type RunState =
  | { readonly state: 'live' }
  /** `endedAt`: Unix milliseconds. */
  | { readonly state: 'over'; readonly endedAt: number }
  /** Deleted, or of no workflow: nobody can ask whether it is over. */
  | { readonly state: 'unheard' }
  /** GitHub did not say. Never taken for an end. */
  | { readonly state: 'unknown'; readonly reason: string }

/** Everything a decision is made of. */
export interface Knowledge {
  /** Unix milliseconds. */
  readonly now: number
  /** `owner/name` whose VMs are swept; null: those of no repository, which `lmrun bench` launched on some laptop. */
  readonly repository: string | null
  /** The attempt that the VM's labels name. */
  readonly run: RunState
  /** Whether any other run of the repository is live: it may have adopted a VM that is kept. */
  readonly othersLive: boolean
}

export type Decision =
  /** `foreign`: not ours at all, so nothing is said of it. */
  | { readonly action: 'leave'; readonly foreign: boolean; readonly reason: string }
  | { readonly action: 'end'; readonly reason: string }

/** Post may still be ending VMs when GitHub calls a run over: it has 4 minutes. */
export const GRACE_MS = 5 * 60_000
/** How far the clocks of the run and of the sweeper may be apart. */
export const SKEW_MS = 10 * 60_000

/** The labels of a thing of this repository; null for everything that the sweeper must not touch. */
export function ownerHere(labels: Found['labels'], repository: string | null): OwnerLabels | null {
  const owner = readOwner(labels)
  const here = repository === null ? null : repositoryLabel(repository)
  return owner?.repository === here ? owner : null
}

/**
 * Whether a found thing is to be ended. In doubt it is left: its lease ends it, or the next sweep.
 * A `keep` VM outlives its run on purpose, and a later run that adopts it cannot change its labels. It is ended when
 * its expiry has passed and no run of the repository, which might be using it, is live.
 */
export function decide(found: Pick<Found, 'kind' | 'labels' | 'state'>, knowledge: Knowledge): Decision {
  const owner = ownerHere(found.labels, knowledge.repository)
  if (!owner) return { action: 'leave', foreign: true, reason: 'it has no labels of this repository' }
  if (found.kind === 'node' && found.state !== 'idle') return leave('the Node is ready')
  if (found.kind === 'disk' && found.state !== 'idle') return leave('a VM uses the disk')
  return owner.ending === 'keep' ? decideKept(owner, knowledge) : decideRun(owner, knowledge)
}

function decideRun(owner: OwnerLabels, { run, now }: Knowledge): Decision {
  if (hasExpired(owner, now)) return end('its expiry has passed')
  switch (run.state) {
    case 'live':
      return leave('its run is live')
    case 'over':
      return now >= run.endedAt + GRACE_MS ? end('its run is over') : leave('its run has just ended')
    case 'unheard':
      return leave('GitHub does not know its run, and its expiry has not passed')
    case 'unknown':
      return leave(
        `its expiry has not passed, and GitHub does not say whether its run is over: ${run.reason}`,
      )
  }
}

function decideKept(owner: OwnerLabels, { run, now, othersLive }: Knowledge): Decision {
  if (!hasExpired(owner, now)) return leave('it is kept for the next run, until its lease ends')
  if (run.state === 'live' || othersLive) return leave('it is kept, and a live run may be using it')
  if (run.state === 'unknown') return leave(`it is kept, and GitHub does not say of its run: ${run.reason}`)
  return end('it was kept, its expiry has passed, and no run is live')
}

function hasExpired({ expiry }: OwnerLabels, now: number): boolean {
  return now > expiry * 1000 + SKEW_MS
}

function leave(reason: string): Decision {
  return { action: 'leave', foreign: false, reason }
}

function end(reason: string): Decision {
  return { action: 'end', reason }
}
