import { explain } from '../../errors.ts'
import { queueArgs, requestsArgs, type StatusSource, statusArgs } from './argv.ts'
import {
  queueSchema,
  type Read,
  readJson,
  requestsSchema,
  type SkyQueue,
  type SkyRequest,
  type SkyVm,
  statusSchema,
} from './output.ts'
import type { SkyCli, SkyReply } from './types.ts'

/** A look takes seconds; one that takes minutes hangs. */
const LOOK_MS = 90_000

export function askStatus(
  cli: SkyCli,
  names: readonly string[],
  { source = 'cache', signal }: { readonly source?: StatusSource; readonly signal?: AbortSignal } = {},
): Promise<Read<readonly SkyVm[]>> {
  return ask(cli, statusArgs(names, source), signal, reply => readJson(statusSchema, reply))
}

export function askQueue(cli: SkyCli, name: string, signal?: AbortSignal): Promise<Read<SkyQueue>> {
  return ask(cli, queueArgs(name), signal, reply => readJson(queueSchema, reply))
}

/** What the API server has been asked and has not ended. */
export function askRequests(cli: SkyCli, signal?: AbortSignal): Promise<Read<readonly SkyRequest[]>> {
  return ask(cli, requestsArgs(), signal, reply => readJson(requestsSchema, reply))
}

/** A launch that may still make a VM. */
export function isLaunching({ name, status }: SkyRequest): boolean {
  return /launch/.test(name) && !['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(status)
}

/** Rejects on abort alone: whatever else goes wrong is an answer that cannot be read. */
export async function ask<T>(
  cli: SkyCli,
  args: readonly string[],
  signal: AbortSignal | undefined,
  read: (reply: SkyReply) => Read<T>,
): Promise<Read<T>> {
  try {
    return read(await cli.run(args, { timeoutMs: LOOK_MS, ...(signal ? { signal } : {}) }))
  } catch (error) {
    signal?.throwIfAborted()
    return { ok: false, kind: 'unreadable', reason: explain(error) }
  }
}
