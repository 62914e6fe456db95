import http from 'node:http'
import type { Clock } from '../../clock.ts'
import { sayOnce } from '../kube/reconciler.ts'
import { type Look, look, type Target } from './look.ts'

export interface Health {
  readonly healthy: boolean
  /** Looks in a row without an answer. */
  readonly silent: number
}

export const UNKNOWN: Health = { healthy: false, silent: 0 }

/** A busy server may miss two looks; one that refuses, or says that it is not well, is out at once. */
const SILENT_AT_MOST = 2

export function nextHealth({ healthy, silent }: Health, { is }: Look): Health {
  if (is === 'up') return { healthy: true, silent: 0 }
  if (is === 'down') return UNKNOWN
  return { healthy: healthy && silent < SILENT_AT_MOST, silent: silent + 1 }
}

export interface WatchHealthOptions {
  /** Null while the VM has no address in the mesh. */
  readonly target: () => Target | null
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  readonly told: (healthy: boolean) => void
}

const EVERY_MS = 500

/** Looks at the server twice a second, and tells each time what it is; rejects with the signal's reason. */
export async function watchHealth(options: WatchHealthOptions): Promise<void> {
  const { target: targetNow, clock, signal, log, told } = options
  const say = sayOnce(log)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  let health = UNKNOWN
  try {
    for (;;) {
      const target = targetNow()
      if (target) {
        const before = health.healthy
        const seen = await look(target, { askModels: !before, agent, signal })
        health = nextHealth(health, seen)
        say(seen.is === 'up' ? `${target.host}:${target.port} is healthy` : seen.seen)
        told(health.healthy)
      }
      await clock.sleep(EVERY_MS, signal)
    }
  } finally {
    agent.destroy()
  }
}
