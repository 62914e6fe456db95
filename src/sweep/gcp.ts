import pLimit from 'p-limit'
import { z } from 'zod'
import { explain, LmrunError } from '../errors.ts'
import { LABEL, repositoryLabel } from '../labels.ts'
import type { Finding, Found, SweepSource } from './found.ts'
import { GcpError, type GcpRequest, gcpRequest } from './gcp-request.ts'

export interface GcpOptions {
  readonly project: string
  /** `owner/name`: Google looks for its VMs alone. Null: for all that has a label of a run. */
  readonly repository: string | null
  /** Base URL, without a slash at its end. */
  readonly endpoint?: string
  readonly token: () => Promise<string>
  /** Milliseconds before the first of the further tries. */
  readonly retryMs?: number
}

export const GCP_ENDPOINT = 'https://compute.googleapis.com/compute/v1'
/** Requests at once. */
const SIDE_BY_SIDE = 10

const operation = z.object({
  status: z.string(),
  name: z.string(),
  error: z.object({ errors: z.array(z.object({ message: z.string().optional() })) }).optional(),
})

const resource = z.object({
  name: z.string(),
  /** URL of the zone; a regional disk has that of its region instead. */
  zone: z.string().optional(),
  region: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  status: z.string().optional(),
  creationTimestamp: z.string().optional(),
  users: z.array(z.string()).optional(),
})
type Resource = z.infer<typeof resource>

type Collection = 'instances' | 'disks'

/** A zone or two that do not answer are a warning beside the others' answers. */
const scope = z.looseObject({
  instances: z.array(resource).optional(),
  disks: z.array(resource).optional(),
  warning: z.object({ code: z.string().optional(), message: z.string().optional() }).optional(),
})
const page = z.object({
  items: z.record(z.string(), scope).optional(),
  nextPageToken: z.string().optional(),
  warning: z.object({ code: z.string().optional(), message: z.string().optional() }).optional(),
})

/**
 * Compute Engine's instances, and disks that no VM uses, by label.
 * Source: https://cloud.google.com/compute/docs/reference/rest/v1
 */
export function createGcpSource(options: GcpOptions): SweepSource {
  const { project, repository, endpoint = GCP_ENDPOINT, token, retryMs = 1000 } = options
  const base = `${endpoint}/projects/${encodeURIComponent(project)}`
  const request: GcpRequest = (method, path, signal) =>
    gcpRequest(method, `${base}${path}`, { token, retryMs, signal })
  const filter =
    repository === null
      ? `labels.${LABEL.run}:*`
      : `labels.${LABEL.run}:* AND labels.${LABEL.repository}=${repositoryLabel(repository)}`
  const find = async (signal: AbortSignal) => {
    const findings = await Promise.all(
      (['instances', 'disks'] as const).map(collection =>
        findAll(request, { collection, filter, signal }).catch(
          error => ({ found: [], problems: [`gcp ${project} ${collection}: ${explain(error)}`] }) as Finding,
        ),
      ),
    )
    return {
      found: findings.flatMap(one => one.found),
      problems: findings.flatMap(one => one.problems),
    }
  }
  return {
    name: 'gcp',
    find,
    end: async (found, signal) => {
      const limit = pLimit(SIDE_BY_SIDE)
      const failures = await Promise.all(
        found.map(one => limit(async () => [one.id, await endOne(request, one, signal)] as const)),
      )
      return new Map(failures.flatMap(([id, reason]) => (reason === null ? [] : [[id, reason] as const])))
    },
    remaining: async (found, signal) => {
      const { found: there, problems } = await find(signal)
      if (problems.length > 0) throw new LmrunError(problems.join('; '))
      const ids = new Set(there.map(({ id }) => id))
      return new Map(
        found.filter(({ id }) => ids.has(id)).map(({ id }) => [id, 'Compute Engine still lists it']),
      )
    },
  }
}

interface Search {
  readonly collection: Collection
  readonly filter: string
  readonly signal: AbortSignal
}

async function findAll(request: GcpRequest, { collection, filter, signal }: Search): Promise<Finding> {
  const found: Found[] = []
  const problems: string[] = []
  let pageToken: string | undefined
  do {
    const query = new URLSearchParams({ filter, maxResults: '500', returnPartialSuccess: 'true' })
    if (pageToken) query.set('pageToken', pageToken)
    const {
      items = {},
      nextPageToken,
      warning,
    } = page.parse(await request('GET', `/aggregated/${collection}?${query}`, signal))
    if (warning && warning.code !== 'NO_RESULTS_ON_PAGE') problems.push(problemOf(collection, warning))
    for (const [place, scope] of Object.entries(items)) {
      // Every empty zone says so by a warning.
      if (scope.warning && scope.warning.code !== 'NO_RESULTS_ON_PAGE')
        problems.push(problemOf(place, scope.warning))
      for (const one of scope[collection] ?? []) found.push(...foundOf(collection, one))
    }
    pageToken = nextPageToken
  } while (pageToken)
  return { found, problems }
}

function foundOf(collection: Collection, one: Resource): Found[] {
  const scope = scopeOf(one)
  if (scope === null) return []
  const used = (one.users ?? []).length > 0
  const stopped = ['STOPPING', 'STOPPED', 'SUSPENDING', 'SUSPENDED', 'TERMINATED'].includes(one.status ?? '')
  if (collection === 'disks' && used) return []
  const createdAt = one.creationTimestamp === undefined ? Number.NaN : Date.parse(one.creationTimestamp)
  return [
    {
      source: 'gcp',
      kind: collection === 'disks' ? 'disk' : 'vm',
      id: `/${scope.kind}/${scope.place}/${collection}/${one.name}`,
      name: one.name,
      place: scope.place,
      labels: one.labels ?? {},
      createdAt: Number.isFinite(createdAt) ? createdAt : null,
      state: collection === 'disks' ? 'idle' : stopped ? 'stopped' : 'up',
    },
  ]
}

/** A disk that is kept in two zones belongs to their region, and so do the operations on it. */
function scopeOf({ zone, region }: Resource): { kind: 'zones' | 'regions'; place: string } | null {
  const [kind, url] = zone === undefined ? (['regions', region] as const) : (['zones', zone] as const)
  const place = url?.split('/').at(-1)
  return place === undefined ? null : { kind, place }
}

/** Why it did not end, or null. */
async function endOne(request: GcpRequest, { id }: Found, signal: AbortSignal): Promise<string | null> {
  try {
    let state = operation.parse(await request('DELETE', id, signal))
    while (state.status !== 'DONE') {
      // Waits for up to two minutes by itself.
      const scope = id.split('/').slice(0, 3).join('/')
      state = operation.parse(await request('POST', `${scope}/operations/${state.name}/wait`, signal))
    }
    if (!state.error) return null
    return state.error.errors.map(({ message }) => message ?? 'an error without words').join('; ')
  } catch (error) {
    return error instanceof GcpError && error.status === 404 ? null : explain(error)
  }
}

function problemOf(
  place: string,
  { code, message }: { code?: string | undefined; message?: string | undefined },
) {
  return `gcp ${place}: ${message ?? code ?? 'a warning without words'}`
}
