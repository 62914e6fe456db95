import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import type { CloudIdentity } from './credentials/plan.ts'
import type { Env } from './env.ts'
import type { FleetKind } from './fleet/fleet.ts'
import type { SavedVm } from './fleet/run-vms.ts'
import type { Results } from './report/results.ts'
import { resultsSchema } from './report/schema.ts'

/** Hands a value on to post. */
export type SaveState = (name: string, value: unknown) => void

/** What main leaves for post, written before each thing that post may have to undo. */
export interface State {
  /** Where its VMs were to come from; null when main had not come so far. */
  readonly fleet: FleetKind | null
  /** One a launch, in their order. */
  readonly vms: readonly SavedVm[]
  /** Who main was in the clouds: names, no secrets. */
  readonly identity: CloudIdentity
  /** What to report when main could not; null when nothing had been launched. */
  readonly draft: Results | null
  /** True once main has published its results itself. */
  readonly published: boolean
}

const fleetSchema = z.enum(['local', 'sky'])
const vmsSchema = z.array(
  z.object({
    fleet: fleetSchema,
    name: z.string(),
    role: z.enum(['server', 'client', 'main']),
    ending: z.enum(['down', 'keep']),
    launchedAt: z.number(),
    goneAt: z.number().nullable(),
    price: z.object({ hourly: z.number(), spot: z.boolean(), what: z.string() }).exactOptional(),
  }),
)

/** Post closes it although nothing was launched: the fleet may have started what outlives main. */
export function saveFleet(fleet: FleetKind, save: SaveState): void {
  save('fleet', fleet)
}

export function saveVms(vms: readonly SavedVm[], save: SaveState): void {
  save('vms', vms)
}

const identitySchema = z.object({
  awsRole: z.string().exactOptional(),
  gcpWorkloadIdentityProvider: z.string().exactOptional(),
  gcpServiceAccount: z.string().exactOptional(),
})

/** Post renews the credentials by it, without reading an input. */
export function saveIdentity(identity: CloudIdentity, save: SaveState): void {
  save('identity', identitySchema.parse(identity))
}

/** In a file: state travels in an environment variable, and Linux gives one of them 128 KiB at most. */
export function saveDraft(draft: Results, env: Env, save: SaveState): void {
  const file = path.join(env.RUNNER_TEMP || tmpdir(), `lmrun-${draft.run.id}.json`)
  writeFileSync(file, JSON.stringify(draft))
  save('draft', file)
}

export function savePublished(save: SaveState): void {
  save('published', true)
}

/** Reads the state that the runner hands to post; what is not there, or unreadable, is as if never saved. */
export function loadState(env: Env): State {
  const fleet = fleetSchema.safeParse(env.STATE_fleet)
  const vms = vmsSchema.safeParse(parse(() => env.STATE_vms ?? ''))
  const identity = identitySchema.safeParse(parse(() => env.STATE_identity ?? ''))
  const draft = resultsSchema.safeParse(parse(() => readFileSync(env.STATE_draft ?? '', 'utf8')))
  return {
    fleet: fleet.success ? fleet.data : null,
    vms: vms.success ? vms.data : [],
    identity: identity.success ? identity.data : {},
    draft: draft.success ? draft.data : null,
    published: env.STATE_published === 'true',
  }
}

export function forgetDraft(env: Env): void {
  if (env.STATE_draft) rmSync(env.STATE_draft, { force: true })
}

function parse(read: () => string): unknown {
  try {
    return JSON.parse(read())
  } catch {
    return undefined
  }
}
