import type { Clock } from '../clock.ts'
import { isAbort, LmrunError } from '../errors.ts'
import type { Mesh, Service, WaitOptions } from './mesh.ts'
import { probe } from './probe.ts'

export interface DirectMeshOptions {
  readonly clock: Clock
  /** Milliseconds between probes. A local probe costs about a millisecond, and ready is noticed at once: 100. */
  readonly everyMs?: number
  /** What the services let nobody in without. */
  readonly apiKey?: string
}

/** The first form of the mesh: this machine, or any one host whose ports the runner reaches itself. */
export function createDirectMesh(
  endpoint: (service: Service) => Promise<{ host: string; port: number }>,
  options: DirectMeshOptions,
): Mesh {
  const address = async (service: Service) => {
    const { host, port } = await endpoint(service)
    return `http://${host}:${port}`
  }
  return {
    address,
    waitUntilReady: async (service, wait) =>
      waitUntilReady({ base: await address(service), service, ...wait, ...options }),
    admit: async () => {},
    leave: async () => {},
    close: async () => {},
  }
}

interface Waiting extends WaitOptions, DirectMeshOptions {
  readonly base: string
  readonly service: Service
}

async function waitUntilReady(waiting: Waiting): Promise<void> {
  const { base, service, signal, deadlineMs, clock, everyMs = 100, apiKey } = waiting
  const deadline = clock.timeout(deadlineMs)
  const either = AbortSignal.any([signal, deadline])
  let seen = 'nothing'
  try {
    for (;;) {
      const result = await probe(
        { base, name: service.name, ...(apiKey === undefined ? {} : { apiKey }) },
        either,
      )
      if (result.ready) return
      seen = result.seen
      await clock.sleep(everyMs, either)
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
