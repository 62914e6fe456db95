import { Option } from 'commander'
import { LmrunError } from '../errors.ts'
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

/** The user ended the command (exit code 130). What went wrong on the way out is its cause. */
export class Cancelled extends LmrunError {
  override readonly name = 'Cancelled'
}

/** Runs work that the first SIGINT or SIGTERM stops in order. @throws Cancelled when one came in its way */
export async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const onSignal = (name: NodeJS.Signals) =>
    stop.abort(new DOMException(`cancelled by ${name}`, 'AbortError'))
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const name of signals) process.once(name, onSignal)
  try {
    return await work(stop.signal)
  } catch (cause) {
    const { aborted, reason } = stop.signal
    if (!aborted) throw cause
    throw new Cancelled(reason.message, cause === reason ? {} : { cause })
  } finally {
    for (const name of signals) process.off(name, onSignal)
  }
}
