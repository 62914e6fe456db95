import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Behaviour, ChatRequest, OpenAiServerOptions, SeenRequest, Telling } from './openai-server.ts'

/** What openai-server.ts serves: the routes, the queue and the ways to answer, well or badly. */
export class StandIn {
  readonly requests: SeenRequest[] = []
  mostOpen = 0
  readonly #options: OpenAiServerOptions
  readonly #startedAt = performance.now()
  readonly #stop = new AbortController()
  readonly #connections = new WeakMap<object, number>()
  readonly #waiting: (() => void)[] = []
  #connectionCount = 0
  #busy = 0
  #open = 0
  #tokens = 0

  constructor(options: OpenAiServerOptions) {
    this.#options = options
  }

  connected(socket: object): void {
    this.#connections.set(socket, ++this.#connectionCount)
  }

  stop(): void {
    this.#stop.abort()
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { alias, loadMs = 0 } = this.#options
    const loading = performance.now() - this.#startedAt < loadMs
    const pathname = new URL(request.url ?? '/', 'http://stand-in').pathname
    if (pathname === '/metrics') return void response.end(this.#metrics())
    if (loading) return sendJson(response, 503, { error: { message: 'Loading model', code: 503 } })
    if (pathname === '/health') return sendJson(response, 200, { status: 'ok' })
    if (pathname === '/v1/models')
      return sendJson(response, 200, { object: 'list', data: [{ id: alias, object: 'model' }] })
    if (pathname === '/v1/chat/completions' && request.method === 'POST') return this.#chat(request, response)
    return sendJson(response, 404, { error: { message: `no ${request.method} ${pathname}` } })
  }

  async #chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await readAll(request)) as ChatRequest
    const prompt = body.messages.findLast(message => message.role === 'user')?.content ?? ''
    const connection = this.#connections.get(request.socket) ?? 0
    const seen = { body, prompt, authorization: request.headers.authorization, connection }
    this.requests.push(seen)
    const behaviour = this.#options.behave?.(seen, this.requests.length) ?? { kind: 'answer' }
    this.mostOpen = Math.max(this.mostOpen, ++this.#open)
    await this.#takeSlot()
    try {
      await this.#reply(behaviour, seen, response)
    } finally {
      this.#open -= 1
      this.#freeSlot()
    }
  }

  async #takeSlot(): Promise<void> {
    if (this.#busy >= (this.#options.slots ?? Number.POSITIVE_INFINITY)) {
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    this.#busy += 1
  }

  #freeSlot(): void {
    this.#busy -= 1
    this.#waiting.shift()?.()
  }

  async #reply(behaviour: Behaviour, { body, prompt }: SeenRequest, response: ServerResponse): Promise<void> {
    switch (behaviour.kind) {
      case 'status':
        for (const [name, value] of Object.entries(behaviour.headers ?? {})) response.setHeader(name, value)
        return sendJson(
          response,
          behaviour.status,
          behaviour.body ?? { error: { message: `status ${behaviour.status}` } },
        )
      case 'raw':
        response.writeHead(200, { 'content-type': behaviour.contentType ?? 'text/event-stream' })
        return void response.end(behaviour.body)
      case 'cut':
        if (behaviour.afterTokens !== undefined) await this.#part(behaviour.afterTokens, response)
        return void response.destroy()
      case 'hang':
        return this.#hang(behaviour, response)
      case 'json':
        return this.#whole(behaviour, { body, prompt }, response)
      case 'answer':
        if (body.stream !== true) return this.#whole(behaviour, { body, prompt }, response)
        return this.#stream(behaviour, { body, prompt }, response)
    }
  }

  async #part(count: number, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < count; i++)
      await write(response, `data: ${JSON.stringify(chunk({ content: `part ${i} ` }))}\n\n`)
  }

  async #hang(
    { afterTokens, comments = false }: { afterTokens?: number; comments?: boolean },
    response: ServerResponse,
  ) {
    if (afterTokens !== undefined) await this.#part(afterTokens, response)
    const closed = AbortSignal.any([this.#stop.signal, closedSignal(response)])
    while (!closed.aborted) {
      await sleep(20, undefined, { signal: closed }).catch(() => {})
      if (comments && !closed.aborted) response.write(': still here\n\n')
    }
  }

  async #whole(
    telling: Telling,
    { body, prompt }: Pick<SeenRequest, 'body' | 'prompt'>,
    response: ServerResponse,
  ) {
    await this.#pause(telling.delayMs)
    const tokens = pieces(telling, body, prompt)
    const reasoning = (telling.reasoning ?? []).join('')
    this.#tokens += tokens.length
    const message = {
      role: 'assistant',
      content: tokens.join(''),
      ...(reasoning ? { reasoning_content: reasoning } : {}),
    }
    const choices = [{ index: 0, message, finish_reason: telling.finishReason ?? 'stop' }]
    sendJson(response, 200, { object: 'chat.completion', choices, ...usage(telling, prompt, tokens.length) })
  }

  async #stream(
    telling: Telling,
    { body, prompt }: Pick<SeenRequest, 'body' | 'prompt'>,
    response: ServerResponse,
  ) {
    const {
      newline = '\n',
      pieceBytes,
      finishReason = 'stop',
      reasoningField = 'reasoning_content',
    } = telling
    const tokens = pieces(telling, body, prompt)
    const send = (data: unknown) => {
      const text = typeof data === 'string' ? data : JSON.stringify(data)
      return write(response, `data: ${text}${newline}${newline}`, pieceBytes)
    }
    await this.#pause(telling.delayMs)
    response.writeHead(200, { 'content-type': telling.contentType ?? 'text/event-stream' })
    await send(chunk({ role: 'assistant', content: null }))
    for (const piece of telling.reasoning ?? []) await send(chunk({ [reasoningField]: piece }))
    for (const piece of tokens) {
      await send(chunk({ content: piece }))
      this.#tokens += 1
      await this.#pause(telling.tokenMs)
    }
    if (finishReason !== null) await send(chunk({}, finishReason))
    const count = tokens.length + (telling.reasoning?.length ?? 0)
    if (body.stream_options?.include_usage && telling.usage !== false)
      await send({ choices: [], ...usage(telling, prompt, count) })
    if (telling.done !== false) await send('[DONE]')
    const { socket } = response
    if (telling.closes) response.once('finish', () => socket?.destroySoon())
    if (telling.lingers) await this.#hang({}, response)
    else response.end()
  }

  async #pause(ms = 0): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stop.signal })
  }

  #metrics(): string {
    return [
      `llamacpp:tokens_predicted_total ${this.#tokens}`,
      `llamacpp:requests_processing ${this.#busy}`,
      `llamacpp:requests_deferred ${this.#waiting.length}`,
      '',
    ].join('\n')
  }
}

function pieces({ tokens }: Telling, { max_tokens }: ChatRequest, prompt: string): readonly string[] {
  return (tokens ?? `you said: ${prompt}`.split(/(?<=\s)/)).slice(0, max_tokens)
}

function usage({ usage = true, cachedTokens = 0 }: Telling, prompt: string, completion_tokens: number) {
  if (!usage) return {}
  const prompt_tokens = prompt.split(/\s+/).length
  const prompt_tokens_details = { cached_tokens: cachedTokens }
  return {
    usage: {
      prompt_tokens,
      completion_tokens,
      total_tokens: prompt_tokens + completion_tokens,
      prompt_tokens_details,
    },
  }
}

function chunk(delta: Readonly<Record<string, unknown>>, finishReason: string | null = null) {
  return { object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finishReason }] }
}

async function write(response: ServerResponse, text: string, pieceBytes?: number): Promise<void> {
  const bytes = Buffer.from(text)
  const size = pieceBytes ?? bytes.length
  for (let from = 0; from < bytes.length; from += size) {
    if (response.destroyed) return
    // Waits for each piece, so that pieces are not joined on their way.
    await new Promise<void>(resolve => response.write(bytes.subarray(from, from + size), () => resolve()))
    if (pieceBytes !== undefined) await new Promise(resolve => setImmediate(resolve))
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const bytes of request) chunks.push(bytes as Buffer)
  return Buffer.concat(chunks).toString()
}

function closedSignal(response: ServerResponse): AbortSignal {
  const closed = new AbortController()
  response.once('close', () => closed.abort())
  return closed.signal
}
