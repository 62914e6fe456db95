import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import type { KubernetesObject } from '@kubernetes/client-node'
import { LmrunError } from '../../errors.ts'
import type { Watcher } from '../../mesh-kube.ts'
import { type KubeAccess, readKubeconfig } from './config.ts'

/**
 * The few requests that an agent and the reaper make. Not client-node: its bundle alone takes an idle agent from 70 to
 * 88 MB (docs/adr/013-a-small-client-on-vms.md); its types are used.
 */
export interface KubeClient extends Watcher {
  get<T>(path: string): Promise<T>
  /** Server-side apply: creates what is not there, and takes fields over from whoever else wrote them. */
  apply<T extends KubernetesObject>(path: string, object: T, manager: string): Promise<T>
  /** JSON merge patch; with `metadata.resourceVersion` in it only onto the object as it was read. */
  merge<T>(path: string, patch: object): Promise<T>
  remove(path: string, preconditions?: Preconditions): Promise<void>
}

export interface Preconditions {
  readonly uid?: string
  readonly resourceVersion?: string
}

/** What the API server answered, other than yes. */
export class KubeError extends LmrunError {
  override readonly name = 'KubeError'

  /** Of HTTP. */
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

/** Milliseconds for one request, and of silence on a watch after which it is begun anew. */
const REQUEST_MS = 10_000
const SILENCE_MS = 30_000

/** @param kubeconfig path; @param signal ends every request */
export async function connectKube(kubeconfig: string, signal: AbortSignal): Promise<KubeClient> {
  return createKubeClient(await readKubeconfig(kubeconfig), signal)
}

export function createKubeClient({ server, ca, cert, key }: KubeAccess, signal: AbortSignal): KubeClient {
  const agent = new https.Agent({ keepAlive: true, ca, cert, key })
  const connection: Connection = { server, agent, signal }
  const json = (method: string, path: string, body?: object, contentType = 'application/json') =>
    ask(connection, { method, path, contentType, ...(body ? { body: JSON.stringify(body) } : {}) })
  return {
    get: async <T>(path: string) => (await json('GET', path)) as T,
    apply: async <T extends KubernetesObject>(path: string, object: T, manager: string) => {
      const query = `fieldManager=${manager}&force=true`
      return (await json('PATCH', `${path}?${query}`, object, 'application/apply-patch+yaml')) as T
    },
    merge: async <T>(path: string, patch: object) =>
      (await json('PATCH', path, patch, 'application/merge-patch+json')) as T,
    remove: async (path, preconditions) => {
      await json('DELETE', path, preconditions ? { preconditions } : {})
    },
    watch: async (path, query, on, done) => watch(connection, { path, query, on, done }),
  }
}

interface Connection {
  readonly server: string
  readonly agent: https.Agent
  readonly signal: AbortSignal
}

interface Ask {
  readonly method: string
  readonly path: string
  readonly contentType: string
  readonly body?: string
}

function ask(
  { server, agent, signal }: Connection,
  { method, path, contentType, body }: Ask,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  // Node sends the body of a DELETE without saying how long it is, and the server takes it for the next request.
  const content = body ? { 'content-type': contentType, 'content-length': Buffer.byteLength(body) } : {}
  const headers = { accept: 'application/json', ...content }
  const either = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)])
  const request = https.request(
    new URL(path, server),
    { method, agent, headers, signal: either },
    response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode = 0 } = response
        if (statusCode >= 300) return reject(refusal(`${method} ${path}`, statusCode, text))
        try {
          resolve(JSON.parse(text))
        } catch (error) {
          reject(error)
        }
      })
    },
  )
  request.on('error', reject)
  request.end(body)
  return promise
}

type WatchCall = { path: string; query: Record<string, string | number | boolean | undefined> } & {
  readonly on: (phase: string, object: unknown) => void
  readonly done: (error: unknown) => void
}

/** One line of JSON for each event, until the connection ends: https://kubernetes.io/docs/reference/using-api/api-concepts/ */
function watch({ server, agent, signal }: Connection, { path, query, on, done }: WatchCall): AbortController {
  const controller = new AbortController()
  const either = AbortSignal.any([signal, controller.signal])
  const url = new URL(path, server)
  for (const [key, value] of Object.entries({ ...query, watch: true }))
    if (value !== undefined) url.searchParams.set(key, String(value))
  const options = { agent, signal: either, headers: { accept: 'application/json' } }
  const request = https.get(url, options, response => {
    response.on('error', done)
    response.on('close', () => done(null))
    // A server that is starting refuses in plain text, too: nothing of it is an event.
    if (response.statusCode === 200) readEvents(response, on)
    else response.resume()
  })
  request.setTimeout(SILENCE_MS, () => request.destroy(new Error('the API server was silent')))
  request.on('error', done)
  return controller
}

function readEvents(response: IncomingMessage, on: WatchCall['on']): void {
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    try {
      for (const line of lines.filter(Boolean)) {
        const { type, object } = JSON.parse(line) as { type: string; object: unknown }
        on(type, object)
      }
    } catch (error) {
      response.destroy(error as Error)
    }
  })
}

function refusal(what: string, status: number, body: string): KubeError {
  let message = body.slice(0, 500)
  try {
    message = String((JSON.parse(body) as { message?: unknown }).message ?? message)
  } catch {
    // Proxies answer in HTML.
  }
  return new KubeError(`${what}: ${status} ${message}`, status)
}
