import { runApiKey } from './api-key.ts'
import { type Clock, systemClock } from './clock.ts'
import { openCredentials } from './credentials/credentials.ts'
import type { Env } from './env.ts'
import { explain } from './errors.ts'
import type { Fleet, FleetKind } from './fleet/fleet.ts'
import { createFleet, type FleetOptions } from './fleets.ts'
import type { Inputs } from './inputs.ts'
import { createDirectMesh } from './mesh/direct.ts'
import { allInfra, fleetKind } from './options.ts'
import type { BenchDeps } from './run-context.ts'
import { openRunMesh } from './run-mesh.ts'
import { within } from './waiting.ts'

/** Milliseconds between two looks at a server: far away one costs some more. */
const PROBE_MS: Readonly<Record<FleetKind, number>> = { local: 100, sky: 1000 }
/** Milliseconds for ending what the fleet started here; after a cancel there is no time to wait for all of it. */
const CLOSE_MS = { cancelled: 900, usual: 60_000 } as const

export interface FleetDeps {
  readonly env: Env
  readonly log: (line: string) => void
  readonly warn: (text: string) => void
  /** Keeps a value out of logs. */
  readonly mask: (secret: string) => void
}

/** What makes fleets, and what they live in. */
export interface FleetSource {
  readonly clock: Clock
  readonly createFleet: (kind: FleetKind, options: FleetOptions) => Fleet
  readonly openMesh: typeof openRunMesh
  readonly openCredentials: typeof openCredentials
}

export const REAL_FLEETS: FleetSource = {
  clock: systemClock,
  createFleet,
  openMesh: openRunMesh,
  openCredentials,
}

/** Where the VMs of a run come from, with the credentials and the key that go with them. */
export interface RunFleet {
  readonly fleet: Fleet
  readonly openMesh: BenchDeps['openMesh']
  readonly clock: Clock
  readonly apiKey?: string
  /**
   * To be called at the end of the run, whatever that is. After a cancel the credentials stay for a moment: what ends
   * the VMs, here and in post, still needs them.
   */
  readonly close: (cancelled: AbortSignal) => Promise<void>
}

/** @throws InputError for an identity that cannot be had */
export async function openFleet(
  inputs: Inputs,
  deps: FleetDeps,
  source: FleetSource = REAL_FLEETS,
): Promise<RunFleet> {
  const { options } = inputs
  const kind = fleetKind(options)
  const { clock } = source
  const apiKey = runApiKey(inputs)
  if (apiKey !== undefined) deps.mask(apiKey)
  const key = apiKey === undefined ? {} : { apiKey }
  const credentials = kind === 'local' ? null : await source.openCredentials(options, { ...deps, clock })
  const { log, warn } = deps
  const env = credentials?.env ?? deps.env
  const fleet = source.createFleet(kind, { env, infra: allInfra(options), log, warn })
  const endpoint: Parameters<typeof createDirectMesh>[0] = ({ name, port }) => fleet.endpoint(name, port)
  const direct = createDirectMesh(endpoint, { clock, everyMs: PROBE_MS[kind], ...key })
  return {
    ...{ fleet, clock, ...key },
    openMesh: parts => source.openMesh(parts, direct),
    close: async cancelled => {
      await closeFleet(fleet, { clock, log, when: cancelled.aborted ? 'cancelled' : 'usual' })
      if (!cancelled.aborted) await credentials?.[Symbol.asyncDispose]()
    },
  }
}

export async function closeFleet(
  fleet: Fleet,
  { clock, log, when }: { clock: Clock; log: (line: string) => void; when: keyof typeof CLOSE_MS },
): Promise<void> {
  const closed = fleet.close().catch(error => log(`not everything could be closed: ${explain(error)}`))
  await within(closed, { clock, ms: CLOSE_MS[when] })
}
