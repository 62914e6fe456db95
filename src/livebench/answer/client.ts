import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { createParser } from 'eventsource-parser'
import { connectionFailure, errorCode, RequestFailure, statusFailure } from './failure.ts'
import { type Completion, Reply, wholeReply } from './reply.ts'
import { type Persistence, withRetries } from './retry.ts'
import { type Patience, Watchdog } from './watchdog.ts'

/** How long a request may take, and how often it is tried. */
export interface Limits extends Patience, Persistence {}

export const DEFAULT_LIMITS: Limits = {
  firstTokenMs: 900_000,
  idleMs: 180_000,
  totalMs: 3_600_000,
  retries: 6,
  backoffMs: 500,
  maxBackoffMs: 30_000,
  maxRetryAfterMs: 300_000,
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** Sampling as LiveBench asks for it; recorded with each answer. */
export interface Sampling {
  readonly temperature: number
  readonly max_tokens: number
}

export interface ChatClientOptions {
  /** Where the OpenAI API begins: `http://host:8000/v1`. */
  readonly apiBase: string
  readonly apiKey: string
  /** The served model's name. */
  readonly model: string
  readonly sampling: Sampling
  readonly limits: Limits
  readonly onRetry: (failure: RequestFailure) => void
}

export interface ChatClient extends Disposable {
  /** One chat completion, tried again as its failures allow. Rejects with a RequestFailure, or with the abort. */
  complete(messages: readonly Message[], signal: AbortSignal): Promise<Completion>
}

/**
 * A thin client for OpenAI chat completions, streamed, over kept-alive connections.
 * On node:http and not on fetch, whose hidden limits (300 s to the headers, 300 s between chunks) would fail requests
 * that a busy server has only queued.
 */
export function openClient(options: ChatClientOptions): ChatClient {
  const url = new URL(`${options.apiBase.replace(/\/+$/, '')}/chat/completions`)
  const transport = url.protocol === 'https:' ? https : http
  const agent = new transport.Agent({ keepAlive: true })
  const send: Send = (body, { fresh, signal }) =>
    post({ transport, url, agent: fresh ? false : agent, key: options.apiKey, body, signal })
  return {
    complete: (messages, signal) =>
      withRetries(number => attempt({ send, options, messages, signal, fresh: number > 1 }), {
        persistence: options.limits,
        onRetry: options.onRetry,
        signal,
      }),
    [Symbol.dispose]: () => agent.destroy(),
  }
}

interface SendOptions {
  /** Over a connection of its own: a kept-alive one may be closed already (llama.cpp does so after each stream). */
  readonly fresh: boolean
  readonly signal: AbortSignal
}

type Send = (body: string, options: SendOptions) => Promise<IncomingMessage>

interface Attempt {
  readonly send: Send
  readonly options: ChatClientOptions
  readonly messages: readonly Message[]
  readonly signal: AbortSignal
  readonly fresh: boolean
}

async function attempt({ send, options, messages, signal, fresh }: Attempt): Promise<Completion> {
  const { limits, apiKey: key } = options
  using watch = new Watchdog(limits)
  const startedAt = performance.now()
  try {
    const body = requestBody(options, messages)
    const response = await send(body, { fresh, signal: AbortSignal.any([signal, watch.signal]) })
    const status = response.statusCode ?? 0
    if (status < 200 || status > 299) {
      const retryAfter = response.headers['retry-after']
      throw statusFailure(status, await readText(response, 65_536), { key, retryAfter })
    }
    if (/\bjson\b/.test(response.headers['content-type'] ?? '')) {
      return wholeReply(await readText(response, 64 << 20), { key, startedAt, now: performance.now() })
    }
    return await readStream(response, { watch, key, startedAt })
  } catch (error) {
    signal.throwIfAborted()
    if (watch.signal.aborted) throw watch.signal.reason
    throw error instanceof RequestFailure ? error : connectionFailure(error)
  }
}

function requestBody({ model, sampling }: ChatClientOptions, messages: readonly Message[]): string {
  return JSON.stringify({
    model,
    messages,
    ...sampling,
    stream: true,
    stream_options: { include_usage: true },
  })
}

interface Post {
  readonly transport: typeof http | typeof https
  readonly url: URL
  readonly agent: http.Agent | false
  readonly key: string
  readonly body: string
  readonly signal: AbortSignal
}

function post({ transport, url, agent, key, body, signal }: Post): Promise<IncomingMessage> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    accept: 'text/event-stream, application/json',
    authorization: `Bearer ${key}`,
  }
  return new Promise((resolve, reject) => {
    const request = transport.request(url, { method: 'POST', headers, agent, signal })
    request.once('response', resolve)
    // Stays on after the response: an abort emits here as well, and would be uncaught otherwise.
    request.on('error', error => {
      const stale = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(errorCode(error))
      reject(connectionFailure(error, { stale }))
    })
    request.end(body)
  })
}

interface StreamContext {
  readonly watch: Watchdog
  readonly key: string
  readonly startedAt: number
}

async function readStream(response: IncomingMessage, context: StreamContext): Promise<Completion> {
  // After its last event it may still fail, when its connection is closed; nobody needs to know.
  response.on('error', () => {})
  try {
    const completion = await gather(response, context)
    await release(response)
    return completion
  } catch (error) {
    response.destroy()
    throw error
  }
}

/** What a server may still take to end a reply that it has said to be done. */
const END_GRACE_MS = 100

/**
 * Waits for the reply's end, with which its connection is free for the next request: a second one would take one of
 * the few threads that some servers (llama.cpp) keep for connections.
 */
async function release(response: IncomingMessage): Promise<void> {
  response.resume()
  if (response.readableEnded) return
  try {
    await once(response, 'end', { signal: AbortSignal.timeout(END_GRACE_MS) })
  } catch {
    response.destroy()
  }
}

async function gather(
  response: IncomingMessage,
  { watch, key, startedAt }: StreamContext,
): Promise<Completion> {
  const reply = new Reply({ key })
  let events = 0
  const parser = createParser({
    onEvent: ({ data }) => {
      events += 1
      reply.addEvent(data, performance.now())
      // Comments and empty first chunks keep a connection open; only text is a sign of life.
      if (reply.started) watch.sawToken()
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of response.iterator({ destroyOnReturn: false })) {
    parser.feed(decoder.decode(bytes as Buffer, { stream: true }))
    if (reply.done) break
  }
  // Some servers leave out the blank line that ends the last event.
  if (!reply.done) parser.feed(`${decoder.decode()}\n\n`)
  if (events === 0) throw notEvents(response)
  return reply.finish({ startedAt, streamed: true })
}

function notEvents(response: IncomingMessage): RequestFailure {
  const type = response.headers['content-type'] ?? 'no content type'
  const message = `the reply holds no event of a chat completion (${type})`
  return new RequestFailure('APIResponseValidationError', message, { scope: 'question' })
}

async function readText(response: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const bytes of response) {
    chunks.push(bytes as Buffer)
    size += (bytes as Buffer).length
    if (size > limit) break
  }
  return Buffer.concat(chunks).subarray(0, limit).toString()
}
