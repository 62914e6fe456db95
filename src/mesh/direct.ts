import { setTimeout as sleep } from 'node:timers/promises'
import { isAbort, LmrunError } from '../errors.ts'
import type { Mesh, Service, WaitOptions } from './mesh.ts'
import { probe } from './probe.ts'

/** Milliseconds between probes: a local probe costs about a millisecond, and ready is noticed at once. */
const INTERVAL_MS = 100

/** The first form of the mesh: this machine, or any one host whose ports the runner reaches itself. */
export function createDirectMesh(
  endpoint: (service: Service) => Promise<{ host: string; port: number }>,
): Mesh {
  const address = async (service: Service) => {
    const { host, port } = await endpoint(service)
    return `http://${host}:${port}`
  }
  return {
    address,
    waitUntilReady: async (service, options) => waitUntilReady(await address(service), service, options),
    leave: async () => {},
  }
}

async function waitUntilReady(
  base: string,
  service: Service,
  { signal, deadlineMs }: WaitOptions,
): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs)
  const either = AbortSignal.any([signal, deadline])
  let seen = 'nothing'
  try {
    for (;;) {
      const result = await probe(base, service.name, either)
      if (result.ready) return
      seen = result.seen
      await sleep(INTERVAL_MS, undefined, { signal: either })
    }
  } catch (error) {
    if (signal.aborted || !isAbort(error) || !deadline.aborted) throw error
    throw new LmrunError(
      `${service.name} was not ready after ${Math.round(deadlineMs / 1000)} s: last seen ${seen}`,
      {
        cause: error,
        hint: 'Look at the end of its log; give it more time with max-minutes, or a smaller model.',
      },
    )
  }
}
