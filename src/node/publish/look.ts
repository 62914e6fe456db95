import { readFile } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'

/** A server on this VM, looked at where the others will meet it: at the VM's address in the mesh. */
export interface Target {
  readonly host: string
  readonly port: number
  /** Path that answers 200; empty: a connection is enough. */
  readonly health: string
  /** The name that /v1/models must list; null: it is not asked. */
  readonly model: string | null
  /** File with the key that the server lets nobody in without. */
  readonly apiKeyFile: string | null
}

/** `silent`: no answer in time, or none to the end; a busy server may be so for a moment. */
export type Look =
  | { readonly is: 'up' }
  | { readonly is: 'down'; readonly seen: string }
  | { readonly is: 'silent'; readonly seen: string }

export interface LookOptions {
  /** After an outage it may be another server. */
  readonly askModels: boolean
  readonly agent: http.Agent
  readonly signal: AbortSignal
}

const ANSWER_MS = 5000

export async function look(target: Target, options: LookOptions): Promise<Look> {
  const { host, port, health, model } = target
  const at = `${host}:${port}`
  try {
    if (health === '') {
      await connect(host, port, options.signal)
      return { is: 'up' }
    }
    const { status } = await get(target, health, options)
    if (status !== 200) return { is: 'down', seen: `${at}${health}: ${status}` }
    if (model === null || !options.askModels) return { is: 'up' }
    return await lookAtModels(target, model, options)
  } catch (error) {
    options.signal.throwIfAborted()
    const { code, message } = error as NodeJS.ErrnoException
    const silent = code !== 'ECONNREFUSED'
    if (silent) return { is: 'silent', seen: `${at}: ${message}` }
    return { is: 'down', seen: `${at}: connection refused${await onlyLocal(target, options.signal)}` }
  }
}

async function lookAtModels(target: Target, model: string, options: LookOptions): Promise<Look> {
  const key = await readKey(target.apiKeyFile)
  const { status, body } = await get(target, '/v1/models', options, key)
  // Without its key nothing can be read from a server that wants one, but that it is there.
  if (key === null && (status === 401 || status === 403)) return { is: 'up' }
  const names = status === 200 ? modelNames(body) : []
  if (names.includes(model)) return { is: 'up' }
  const others =
    names.length > 0 ? `lists ${names.slice(0, 5).join(', ')}, not ${model}` : `answers ${status}`
  return { is: 'down', seen: `${target.host}:${target.port}/v1/models ${others} (--no-models: do not ask)` }
}

/** Absent until the server's job has written it. */
async function readKey(file: string | null): Promise<string | null> {
  if (file === null) return null
  try {
    return (await readFile(file, 'utf8')).trim() || null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** A server on 127.0.0.1 answers to nobody else, and looks well from the inside. */
async function onlyLocal({ port }: Target, signal: AbortSignal): Promise<string> {
  try {
    await connect('127.0.0.1', port, signal)
    return '; 127.0.0.1 is served: let the server listen on 0.0.0.0'
  } catch {
    signal.throwIfAborted()
    return ''
  }
}

async function connect(host: string, port: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = net.connect({ host, port, signal: within(signal) }, resolve)
  socket.on('error', reject)
  await promise.finally(() => socket.destroy())
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** Not fetch: its client alone takes five megabytes. */
function get(
  { host, port }: Target,
  path: string,
  { agent, signal }: LookOptions,
  key: string | null = null,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` }
  const request = http.get({ host, port, path, agent, headers, signal: within(signal) }, response => {
    let body = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      body += chunk
    })
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
  })
  request.on('error', reject)
  return promise
}

function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
}

function modelNames(body: string): string[] {
  try {
    const { data } = JSON.parse(body) as { data?: { id?: unknown }[] }
    return (data ?? []).map(({ id }) => String(id))
  } catch {
    return []
  }
}
