/**
 * A small OpenAI-compatible server whose faults can be chosen: /health, /v1/models, /v1/chat/completions (streamed and
 * not) and /metrics. In a test: `await using server = await startOpenAiServer({ alias: 'm', behave: … })`.
 * As a process: `node test/support/openai-server.ts --port 0 --alias NAME [--host ADDRESS] [--delay-ms N]
 * [--token-ms N] [--slots N] [--load-ms N] [--die-after N] [--hang-after N]`; the first line it prints is its port.
 * When request N + 1 comes, `--die-after N` ends it with code 1, without a word, and `--hang-after N` never answers.
 */
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { StandIn } from './openai-stand-in.ts'

export interface ChatRequest {
  readonly model: string
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
  readonly max_tokens?: number
  readonly temperature?: number
}

/** A request as it came. */
export interface SeenRequest {
  readonly body: ChatRequest
  /** The last user message. */
  readonly prompt: string
  readonly authorization: string | undefined
  /** The number of the connection it came over, from 1. */
  readonly connection: number
}

/** How a good reply is told. */
export interface Telling {
  /** Pieces of the text, one event each; by default the words of `you said: <prompt>`. */
  readonly tokens?: readonly string[]
  readonly reasoning?: readonly string[]
  /** `reasoning_content` (llama.cpp, vLLM) or `reasoning` (newer vLLM, OpenRouter). */
  readonly reasoningField?: string
  readonly delayMs?: number
  readonly tokenMs?: number
  /** False: no usage, as servers that do not know stream_options. */
  readonly usage?: boolean
  readonly cachedTokens?: number
  readonly newline?: '\n' | '\r\n'
  /** Sends the bytes in pieces of this size, so that characters and line ends are torn. */
  readonly pieceBytes?: number
  readonly finishReason?: string | null
  /** False: the stream ends without [DONE]. */
  readonly done?: boolean
  /** True: the connection stays open after the last event. */
  readonly lingers?: boolean
  /** True: the connection is closed after the reply, though its headers promise to keep it, as llama.cpp does. */
  readonly closes?: boolean
  readonly contentType?: string
}

export type Behaviour =
  | ({ readonly kind: 'answer' } & Telling)
  /** One JSON reply, whatever was asked for. */
  | ({ readonly kind: 'json' } & Telling)
  | {
      readonly kind: 'status'
      readonly status: number
      readonly body?: unknown
      readonly headers?: Readonly<Record<string, string>>
    }
  /** Closes the connection: before the reply, or after so many tokens of it. */
  | { readonly kind: 'cut'; readonly afterTokens?: number }
  /** Says nothing more: at once, or after so many tokens. */
  | { readonly kind: 'hang'; readonly afterTokens?: number; readonly comments?: boolean }
  /** 200 with this body as it is. */
  | { readonly kind: 'raw'; readonly body: string; readonly contentType?: string }

export interface OpenAiServerOptions {
  readonly alias: string
  readonly port?: number
  /** The address that it listens on; its apiBase is for the default one. */
  readonly host?: string
  /** Requests that are served at the same time; the others wait in line. */
  readonly slots?: number
  /** Milliseconds during which /health says 503, as while a model is loaded. */
  readonly loadMs?: number
  /** What to do with the nth request (from 1); a good answer by default. */
  readonly behave?: (request: SeenRequest, nth: number) => Behaviour
}

export interface OpenAiServer extends AsyncDisposable {
  readonly port: number
  /** Base of the API, `http://127.0.0.1:<port>/v1`. */
  readonly apiBase: string
  readonly requests: readonly SeenRequest[]
  /** Most requests that were open at the same time. */
  readonly mostOpen: () => number
  close(): Promise<void>
}

export async function startOpenAiServer(options: OpenAiServerOptions): Promise<OpenAiServer> {
  const standIn = new StandIn(options)
  const server = http.createServer((request, response) => {
    standIn.handle(request, response).catch(() => response.destroy())
  })
  server.on('connection', socket => standIn.connected(socket))
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    standIn.stop()
    server.closeAllConnections()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
  return {
    port,
    apiBase: `http://127.0.0.1:${port}/v1`,
    requests: standIn.requests,
    mostOpen: () => standIn.mostOpen,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      port: { ...text, default: '0' },
      host: { ...text, default: '127.0.0.1' },
      alias: { ...text, default: 'stand-in' },
      'delay-ms': { ...text, default: '0' },
      'token-ms': { ...text, default: '0' },
      'load-ms': { ...text, default: '0' },
      slots: { ...text, default: '1000000' },
      'die-after': text,
      'hang-after': text,
    },
  })
  const dieAfter = Number(values['die-after'] ?? Number.POSITIVE_INFINITY)
  const hangAfter = Number(values['hang-after'] ?? Number.POSITIVE_INFINITY)
  const server = await startOpenAiServer({
    alias: values.alias,
    port: Number(values.port),
    host: values.host,
    slots: Number(values.slots),
    loadMs: Number(values['load-ms']),
    behave: (_, nth) => {
      if (nth > dieAfter) process.exit(1)
      if (nth > hangAfter) return { kind: 'hang' }
      return { kind: 'answer', delayMs: Number(values['delay-ms']), tokenMs: Number(values['token-ms']) }
    },
  })
  process.once('SIGTERM', () => void server.close())
  console.log(server.port)
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main()
