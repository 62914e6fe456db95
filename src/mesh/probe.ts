/**
 * One look at a model server: does it really serve this name?
 * A server may answer /health before its model is loaded, a port may be someone else's, and llama.cpp answers to any
 * model name: so /health, then the name in /v1/models, then one completed token.
 */
export type ProbeResult = { readonly ready: true } | { readonly ready: false; readonly seen: string }

/** Milliseconds for the cheap requests, and for the token, whose first one may compile kernels. */
const QUICK_MS = 5_000
const TOKEN_MS = 120_000

export interface Target {
  readonly base: string
  /** The model name that it must list. */
  readonly name: string
  readonly apiKey?: string
}

/** @param request how it is asked: by this process, unless told otherwise */
export async function probe(
  { base, name, apiKey }: Target,
  signal: AbortSignal,
  request: Requester = fetchRequest,
): Promise<ProbeResult> {
  const key: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
  const health = await request(`${base}/health`, {}, QUICK_MS, signal)
  if (health.status !== 200) return { ready: false, seen: `/health: ${health.text}` }
  const models = await request(`${base}/v1/models`, { headers: key }, QUICK_MS, signal)
  const names = modelNames(models.body)
  if (!names.includes(name)) {
    const others = names.length > 0 ? `it lists ${names.slice(0, 5).join(', ')}, not ${name}` : models.text
    return { ready: false, seen: `/v1/models: ${others}` }
  }
  const body = JSON.stringify({ model: name, max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] })
  const init = { method: 'POST', headers: { ...key, 'content-type': 'application/json' }, body }
  const token = await request(`${base}/v1/chat/completions`, init, TOKEN_MS, signal)
  if (token.status !== 200) return { ready: false, seen: `a first token: ${token.text}` }
  return { ready: true }
}

export interface Request {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Rejects with the signal's reason alone: no reply is a reply, too. */
export type Requester = (
  url: string,
  request: Request,
  timeoutMs: number,
  signal: AbortSignal,
) => Promise<Reply>

export interface Reply {
  /** 0 when there was no reply. */
  readonly status: number
  readonly body: string
  /** For people: status and the start of the body, or why there was no reply. */
  readonly text: string
}

const fetchRequest: Requester = async (url, init, timeoutMs, signal) => {
  try {
    const response = await fetch(url, {
      ...init,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    const body = await response.text()
    return { status: response.status, body, text: `${response.status} ${body.slice(0, 200)}`.trim() }
  } catch (error) {
    signal.throwIfAborted()
    const cause = (error as Error).cause
    const why =
      cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : undefined
    return { status: 0, body: '', text: why ?? (error as Error).message }
  }
}

function modelNames(body: string): string[] {
  try {
    const { data } = JSON.parse(body) as { data?: { id?: unknown }[] }
    return (data ?? []).map(model => String(model.id))
  } catch {
    return []
  }
}
