import { type RequestFailure, statusFailure, streamFailure } from './failure.ts'

/** One whole reply of the server. */
export interface Completion {
  readonly text: string
  readonly reasoning: string
  readonly finishReason: string | null
  readonly outputTokens: number
  readonly inputTokens: number
  readonly cachedTokens: number
  /** Who counted the output tokens: the server, or we by the chunks that carried text. */
  readonly countedBy: 'usage' | 'chunks'
  /** Milliseconds from the request to the first token; null when the reply was not streamed. */
  readonly firstTokenMs: number | null
  /** Milliseconds from the first token to the last. */
  readonly generationMs: number
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Gathers a chat completion from its chunks (or from one JSON reply, which has `message` where a chunk has `delta`).
 * Times are milliseconds of one monotonic clock, given by the caller.
 */
export class Reply {
  #text = ''
  #reasoning = ''
  #finishReason: string | null = null
  #usage: Fields | null = null
  #textChunks = 0
  #firstTokenAt: number | null = null
  #lastTokenAt = 0
  #done = false
  readonly #key: string

  constructor(options: { key: string }) {
    this.#key = options.key
  }

  get started(): boolean {
    return this.#firstTokenAt !== null
  }

  /** True once the server said that nothing follows. */
  get done(): boolean {
    return this.#done
  }

  /** Takes the data of one server-sent event. Throws a RequestFailure on an error event and on nonsense. */
  addEvent(data: string, now: number): void {
    if (data.trim() === '[DONE]') {
      this.#done = true
      return
    }
    this.addChunk(parseJson(data), now)
  }

  addChunk(chunk: Fields, now: number): void {
    if (chunk.error) throw errorEvent(chunk.error, this.#key)
    if (isFields(chunk.usage)) this.#usage = chunk.usage
    const choice = Array.isArray(chunk.choices) ? (chunk.choices[0] as unknown) : undefined
    if (!isFields(choice)) return
    if (typeof choice.finish_reason === 'string') this.#finishReason = choice.finish_reason
    const delta = choice.delta ?? choice.message
    if (isFields(delta)) this.#addDelta(delta, now)
  }

  #addDelta(delta: Fields, now: number): void {
    const text = asText(delta.content)
    // vLLM and llama.cpp say reasoning_content; newer vLLM and OpenRouter say reasoning.
    const reasoning = asText(delta.reasoning_content) || asText(delta.reasoning)
    if (text === '' && reasoning === '') return
    this.#text += text
    this.#reasoning += reasoning
    this.#textChunks += 1
    this.#firstTokenAt ??= now
    this.#lastTokenAt = now
  }

  /** The whole reply; throws when the stream ended without saying that it is one. */
  finish({ startedAt, streamed }: { startedAt: number; streamed: boolean }): Completion {
    if (!this.#done && this.#finishReason === null) {
      throw streamFailure(`the stream was cut after ${this.#textChunks} chunks`)
    }
    const counted = asCount(this.#usage?.completion_tokens)
    const details = this.#usage?.prompt_tokens_details
    return {
      text: this.#text,
      reasoning: this.#reasoning,
      finishReason: this.#finishReason,
      outputTokens: counted ?? this.#textChunks,
      inputTokens: asCount(this.#usage?.prompt_tokens) ?? 0,
      cachedTokens: (isFields(details) ? asCount(details.cached_tokens) : null) ?? 0,
      countedBy: counted === null ? 'chunks' : 'usage',
      firstTokenMs: streamed && this.#firstTokenAt !== null ? this.#firstTokenAt - startedAt : null,
      generationMs: this.#firstTokenAt === null ? 0 : this.#lastTokenAt - this.#firstTokenAt,
    }
  }
}

/** An error inside a stream that began with 200: its own code decides, else the server is to blame. */
function errorEvent(error: unknown, key: string): RequestFailure {
  const code = isFields(error) ? Number(error.code) : Number.NaN
  return statusFailure(code >= 400 && code < 600 ? code : 500, JSON.stringify({ error }), { key })
}

function parseJson(data: string): Fields {
  try {
    const parsed: unknown = JSON.parse(data)
    if (isFields(parsed)) return parsed
  } catch {
    // Said below, for both: a lost chunk would make a wrong answer out of a right one.
  }
  throw streamFailure('the server sent an event that is not a JSON object')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function asCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

/** One JSON reply of a server that ignored `stream`. */
export function wholeReply(
  body: string,
  { key, startedAt, now }: { key: string; startedAt: number; now: number },
) {
  const reply = new Reply({ key })
  reply.addChunk(parseJson(body), now)
  return reply.finish({ startedAt, streamed: false })
}
