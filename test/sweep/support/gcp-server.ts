/** Compute Engine as the sweeper sees it: aggregated lists by label and page, delete, operations, refusals. */
import { type HttpStandIn, serveJson } from './world.ts'

export interface GcpThing {
  /** A region for a disk that is kept in two zones. */
  readonly zone: string
  readonly kind: 'instances' | 'disks'
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly users?: readonly string[]
}

export interface GcpSetup {
  readonly things: readonly GcpThing[]
  /** Answers to the first requests of a method, in order; then it works. */
  readonly refusals?: Readonly<Record<string, { status: number; reason: string }[]>>
  /** Names whose delete operation ends with an error. */
  readonly protectedNames?: readonly string[]
  readonly silentZone?: string
}

export interface GcpServer extends HttpStandIn {
  readonly things: Map<string, GcpThing>
  readonly requests: string[]
}

const PROJECT = '/projects/my-project'

export async function startGcp(setup: GcpSetup): Promise<GcpServer> {
  const things = new Map(setup.things.map(thing => [`${thing.zone}/${thing.kind}/${thing.name}`, thing]))
  const requests: string[] = []
  const operations = new Map<string, string>()
  const server = await serveJson((request, url) => {
    const method = request.method ?? 'GET'
    const path = url.pathname.slice(PROJECT.length)
    requests.push(`${method} ${path}`)
    const refusal = setup.refusals?.[method]?.shift()
    if (refusal) {
      const error = { code: refusal.status, message: 'refused', errors: [{ reason: refusal.reason }] }
      return { status: refusal.status, body: { error } }
    }
    const [, listed] = /^\/aggregated\/(instances|disks)$/.exec(path) ?? []
    if (listed !== undefined) return { status: 200, body: list(listed as GcpThing['kind'], url.searchParams) }
    const [, scope = '', zone = '', kind, name = ''] =
      /^\/(zones|regions)\/([^/]+)\/(instances|disks)\/([^/]+)$/.exec(path) ?? []
    if (kind !== undefined && scope === scopeOf(zone) && method === 'DELETE') {
      const key = `${zone}/${kind}/${name}`
      if (!things.has(key)) return { status: 404, body: { error: { code: 404, message: 'was not found' } } }
      operations.set(`/${scope}/${zone}/operations/op-${name}/wait`, key)
      return { status: 200, body: { name: `op-${name}`, status: 'RUNNING' } }
    }
    const key = operations.get(path)
    const operation = path.split('/').at(-2)
    if (key === undefined) return { status: 404, body: { error: { code: 404, message: 'no operation' } } }
    if (setup.protectedNames?.includes(things.get(key)?.name ?? '')) {
      const error = { errors: [{ message: 'it is protected against deletion' }] }
      return { status: 200, body: { name: operation, status: 'DONE', error } }
    }
    things.delete(key)
    return { status: 200, body: { name: operation, status: 'DONE' } }
  })

  function list(kind: GcpThing['kind'], query: URLSearchParams) {
    const size = Number(query.get('maxResults'))
    const from = Number(query.get('pageToken') ?? 0)
    const matching = [...things.values()].filter(
      thing => thing.kind === kind && matches(thing.labels, query.get('filter') ?? ''),
    )
    const items: Record<string, Record<string, unknown>> = {
      'zones/empty': { warning: { code: 'NO_RESULTS_ON_PAGE', message: 'nothing here' } },
    }
    if (setup.silentZone)
      items[`zones/${setup.silentZone}`] = { warning: { code: 'UNREACHABLE', message: 'does not answer' } }
    for (const { zone, name, labels, users } of matching.slice(from, from + size)) {
      const at = `${scopeOf(zone)}/${zone}`
      const scope = items[at] ?? {}
      const place = { [scopeOf(zone).slice(0, -1)]: `https://compute/${at}` }
      const one = { name, ...place, labels, status: kind === 'disks' ? 'READY' : 'RUNNING', users }
      items[at] = { ...scope, [kind]: [...((scope[kind] as unknown[]) ?? []), one] }
    }
    const more = from + size < matching.length ? { nextPageToken: String(from + size) } : {}
    return { items, ...more }
  }

  return { ...server, things, requests, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** `us-central1-a` is a zone, `us-central1` a region. */
const scopeOf = (place: string) => (/-[a-z]$/.test(place) ? 'zones' : 'regions')

/** `labels.KEY:*` and `labels.KEY=VALUE`, joined by AND. */
function matches(labels: Readonly<Record<string, string>>, filter: string): boolean {
  return filter.split(' AND ').every(term => {
    const [, key = '', operator, value] = /^labels\.([\w-]+)([:=])(.+)$/.exec(term) ?? []
    return operator === ':' ? key in labels : labels[key] === value
  })
}
