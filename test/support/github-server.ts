/**
 * A stateful stand-in for api.github.com: issues' comments, pull requests by commit, tokens with scopes, pages by
 * Link, and faults by a list. In process (`startGitHub`) or as its own (`node github-server.ts '<GitHubSetup JSON>'`,
 * prints its URL; GET /_comments/<owner>/<repo>/<number> and GET /_requests show what happened).
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Fault, FaultList, type FullReply } from './github-faults.ts'
import { type Account, GitHubState, type Pull } from './github-state.ts'

export type { Fault } from './github-faults.ts'

export interface GitHubSetup {
  readonly tokens: Readonly<Record<string, Account>>
  readonly repository: string
  readonly pulls: readonly (Partial<Pull> & { readonly number: number })[]
  /** Comments of other people that are there already, on the first pull request. */
  readonly otherComments?: number
  readonly faults?: readonly Fault[]
}

/** One request as it was answered; tokens are never kept. */
export interface LoggedRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly login: string | null
  /** 0: the connection was cut or never answered. */
  readonly status: number
}

export interface GitHubServer extends AsyncDisposable {
  readonly url: string
  readonly state: GitHubState
  readonly requests: readonly LoggedRequest[]
  readonly faults: Fault[]
}

/** Accounts that tests use; the tokens look like real ones, so that a leak of one is found by its text. */
export const BOT: Account = { login: 'github-actions[bot]', type: 'Bot', access: 'write' }
export const FORK_BOT: Account = { ...BOT, access: 'read' }
export const PERSON: Account = { login: 'octocat', type: 'User', access: 'write' }

export async function startGitHub(setup: GitHubSetup): Promise<GitHubServer> {
  const state = prepareState(setup)
  const requests: LoggedRequest[] = []
  const faults = new FaultList([...(setup.faults ?? [])])
  const server = createServer((request, response) => {
    serve({ state, requests, faults, server }, request, response).catch(error => {
      response.destroy(error instanceof Error ? error : undefined)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = baseUrl(server)
  return { url, state, requests, faults: faults.faults, [Symbol.asyncDispose]: () => close(server) }
}

function prepareState({ tokens, repository, pulls, otherComments = 0 }: GitHubSetup): GitHubState {
  const state = new GitHubState()
  for (const [token, account] of Object.entries(tokens)) state.tokens.set(token, account)
  state.repository(repository)
  for (const pull of pulls) state.addPull(repository, pull)
  const issue = pulls[0]?.number ?? 1
  for (let n = 1; n <= otherComments; n++) state.addComment(repository, issue, `comment ${n}`, PERSON)
  return state
}

interface Running {
  readonly state: GitHubState
  readonly requests: LoggedRequest[]
  readonly faults: FaultList
  readonly server: Server
}

async function serve(running: Running, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { state, requests, faults } = running
  const url = new URL(request.url ?? '/', 'http://github.test')
  const path = url.pathname.replace(/^\/api\/v3/, '')
  const method = request.method ?? 'GET'
  const token = (request.headers.authorization ?? '').replace(/^(token|bearer) /i, '')
  const body = await readJson(request)
  if (path.startsWith('/_')) return send(response, inspect(running, path))
  const log = (status: number) => {
    const login = state.tokens.get(token)?.login ?? null
    requests.push({ method, path, query: url.search, login, status })
  }
  const work = () => state.handle(method, path, token, body)
  const reply = await faults.apply(method, path, { work, state })
  if (reply === 'hang') return log(0)
  if (reply === 'cut') {
    log(0)
    request.socket.destroy()
    return
  }
  log(reply.status)
  send(response, paginate(reply, url, running.server))
}

function paginate(reply: FullReply, url: URL, server: Server): FullReply {
  if (reply.rows === undefined) return reply
  const size = Math.min(Number(url.searchParams.get('per_page') ?? 30), 100)
  const page = Number(url.searchParams.get('page') ?? 1)
  const last = Math.max(1, Math.ceil(reply.rows.length / size))
  const link = (number: number, rel: string) => {
    const target = new URL(url.pathname + url.search, baseUrl(server))
    target.searchParams.set('page', String(number))
    return `<${target}>; rel="${rel}"`
  }
  const links = page < last ? { link: [link(page + 1, 'next'), link(last, 'last')].join(', ') } : {}
  return { status: reply.status, body: reply.rows.slice((page - 1) * size, page * size), headers: links }
}

function inspect({ state, requests }: Running, path: string): FullReply {
  const [, name, issue] = /^\/_comments\/([^/]+\/[^/]+)\/(\d+)$/.exec(path) ?? []
  if (name !== undefined) return { status: 200, body: state.comments(name, Number(issue)) }
  return path === '/_requests'
    ? { status: 200, body: requests }
    : { status: 404, body: { message: 'Not Found' } }
}

function send(response: ServerResponse, { status, body, headers = {} }: FullReply): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

function baseUrl(server: Server): string {
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}`
}

async function close(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

if (import.meta.main) {
  const { url } = await startGitHub(JSON.parse(process.argv[2] ?? '{}'))
  console.log(url)
}
