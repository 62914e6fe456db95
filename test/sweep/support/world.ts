/** What the tests of the sweeper share: whose things there are, and a GitHub that knows whose runs are over. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Owner, ownerLabels } from '../../../src/labels.ts'
import { createRuns, type Runs } from '../../../src/sweep/runs.ts'

export const HERE = 'acme/widgets'
export const LIVE_RUN = '7'
export const DEAD_RUN = '8'

const hours = (n: number) => Date.now() / 1000 + n * 3600

export function labelsOf(change: Partial<Owner> = {}): Record<string, string> {
  return ownerLabels({
    run: DEAD_RUN,
    attempt: '1',
    repository: HERE,
    expiry: hours(1),
    ending: 'down',
    ...change,
  })
}

/** Labels of things that must survive any sweep of HERE. */
export const THEIRS: readonly Record<string, string>[] = [
  {},
  { owner: 'someone' },
  labelsOf({ run: LIVE_RUN }),
  labelsOf({ repository: 'acme/other', expiry: hours(-99) }),
  labelsOf({ repository: null, expiry: hours(-99) }),
  labelsOf({ ending: 'keep' }),
  { ...labelsOf({ expiry: hours(-99) }), 'lmrun-expiry': 'soon' },
]

export interface HttpStandIn extends AsyncDisposable {
  readonly url: string
}

export type Answer = (request: IncomingMessage, url: URL) => { status: number; body: unknown }

export async function serveJson(answer: Answer): Promise<HttpStandIn> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    request.resume().on('end', () => {
      const { status, body } = answer(request, new URL(request.url ?? '/', 'http://stand.in'))
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Runs by id: `in_progress` or `completed`; others are deleted. `failWith`: every question is refused. */
export function serveRuns(
  runs: Readonly<Record<string, string>> = { [LIVE_RUN]: 'in_progress', [DEAD_RUN]: 'completed' },
  failWith?: number,
): Promise<HttpStandIn> {
  return serveJson((_, url) => {
    if (failWith !== undefined) return { status: failWith, body: { message: 'no' } }
    const [, id] = /\/repos\/acme\/widgets\/actions\/runs\/(\d+)\/attempts\/1$/.exec(url.pathname) ?? []
    if (id !== undefined) {
      const status = runs[id]
      if (status === undefined) return { status: 404, body: { message: 'Not Found' } }
      return { status: 200, body: { id: Number(id), status, updated_at: '2026-01-01T00:00:00Z' } }
    }
    const wanted = url.searchParams.get('status')
    const workflow_runs = Object.entries(runs).flatMap(([run, status]) =>
      status === wanted ? [{ id: Number(run) }] : [],
    )
    return { status: 200, body: { total_count: workflow_runs.length, workflow_runs } }
  })
}

export function runsOf({ url }: HttpStandIn, ownRun?: string): Runs {
  return createRuns({
    access: { token: 'a-token', apiUrl: url },
    repository: HERE,
    ...(ownRun === undefined ? {} : { ownRun }),
    signal: AbortSignal.timeout(600_000),
    log: () => {},
  })
}
