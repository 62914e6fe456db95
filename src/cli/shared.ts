import { Option } from 'commander'
import type { FleetKind } from '../fleet/fleet.ts'

/** The same flag in `answer`, `grade` and `score`: ours, and LiveBench's own name for it. */
export function releaseOption(): Option {
  return new Option(
    '--release, --livebench-release-option <date>',
    'only the questions that this release of LiveBench asks',
  )
}

export function benchNameOption(): Option {
  return new Option(
    '--bench-name <names...>',
    'live_bench, live_bench/<category> or live_bench/<category>/<task> (default: live_bench)',
  )
}

/** Where VMs are looked for: as `infra` said when they were launched. */
export function fleetOption(): Option {
  return new Option('--fleet <kind>', 'local: this machine; sky: what SkyPilot launched')
    .choices(['local', 'sky'] satisfies FleetKind[])
    .default('local' satisfies FleetKind)
}

/** Runs work that the first SIGINT or SIGTERM stops in order. */
export async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const onSignal = (name: NodeJS.Signals) => stop.abort(new DOMException(`got ${name}`, 'AbortError'))
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const name of signals) process.once(name, onSignal)
  try {
    return await work(stop.signal)
  } finally {
    for (const name of signals) process.off(name, onSignal)
  }
}
