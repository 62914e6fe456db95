/**
 * A stand-in for the service behind @actions/artifact v4: CreateArtifact, a blob store that takes blocks as Azure's
 * does, FinalizeArtifact. `env` is what a runner gives an action to reach it.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StoredArtifact {
  readonly id: number
  readonly name: string
  readonly bytes: Buffer
}

export interface ResultsService extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
  /** Finalized ones, by name. */
  readonly artifacts: ReadonlyMap<string, StoredArtifact>
}

export interface ResultsServiceOptions {
  /** Status of every reply to CreateArtifact; 200 when absent. */
  readonly createStatus?: number
}

export async function startResultsService({
  createStatus = 200,
}: ResultsServiceOptions = {}): Promise<ResultsService> {
  const blobs = new BlobStore()
  const artifacts = new Map<string, StoredArtifact>()
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://results.test')
    const body = await readAll(request)
    if (url.pathname.startsWith('/blob/')) {
      blobs.put(url, body)
      response.writeHead(201, { etag: '"0x1"', 'last-modified': new Date().toUTCString() }).end()
      return
    }
    const [status, reply] = rpc(url.pathname, JSON.parse(body.toString('utf8')))
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
  })
  const rpc = (pathname: string, { name, hash }: { name: string; hash?: string }): [number, unknown] => {
    if (pathname.endsWith('/CreateArtifact')) {
      if (artifacts.has(name))
        return [409, { msg: 'an artifact with this name already exists on the workflow run' }]
      return [
        createStatus,
        createStatus === 200
          ? { ok: true, signed_upload_url: `${base}/blob/${name}?sig=signature` }
          : { msg: 'refused' },
      ]
    }
    const bytes = blobs.read(`/blob/${name}`)
    const sum = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    if (hash !== undefined && hash !== sum) return [400, { msg: `hash is ${hash}, stored is ${sum}` }]
    const stored = { id: artifacts.size + 1, name, bytes }
    artifacts.set(name, stored)
    return [200, { ok: true, artifact_id: String(stored.id) }]
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = { ACTIONS_RESULTS_URL: `${base}/`, ACTIONS_RUNTIME_TOKEN: unsignedToken() }
  const close = async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  return { env, artifacts, [Symbol.asyncDispose]: close }
}

/** Blocks by id until a block list names their order; one plain PUT is a whole blob. */
class BlobStore {
  readonly #blocks = new Map<string, Buffer>()
  readonly #blobs = new Map<string, Buffer>()

  put({ pathname, searchParams }: URL, body: Buffer): void {
    const kind = searchParams.get('comp')
    if (kind === 'block') this.#blocks.set(`${pathname} ${searchParams.get('blockid')}`, body)
    else if (kind === 'blocklist') this.#blobs.set(pathname, Buffer.concat(this.#listed(pathname, body)))
    else this.#blobs.set(pathname, body)
  }

  read(pathname: string): Buffer {
    return this.#blobs.get(pathname) ?? Buffer.alloc(0)
  }

  #listed(pathname: string, list: Buffer): Buffer[] {
    const ids = [...list.toString('utf8').matchAll(/<Latest>([^<]+)<\/Latest>/g)].map(([, id]) => id)
    return ids.map(id => this.#blocks.get(`${pathname} ${id}`) ?? Buffer.alloc(0))
  }
}

/** The client reads the ids of run and job from the token's scope; nobody checks its signature here. */
function unsignedToken(): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const scp = `Actions.Results:${crypto.randomUUID()}:${crypto.randomUUID()}`
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ scp })}.`
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}
