import { LmrunError } from '../../errors.ts'
import type { Endpoint } from '../fleet.ts'
import { endpointArgs } from './argv.ts'
import type { SkyContext } from './context.ts'
import { cleanLines } from './output.ts'
import { askStatus } from './queries.ts'
import type { VmFacts } from './types.ts'

/** Where SkyPilot opens no ports: what the VM says of itself is where it is reached. */
const WITHOUT_PORTS = /^(slurm|ssh)\b/i
const AGAIN_MS = 2000
const ASK_AGAIN_MS = 10_000
/** A template's setup may take long, and its port is chosen when its run begins. */
const PATIENCE_MS = 2 * 60 * 60_000

/**
 * Where a port is reached from here; waits until that is known.
 * @throws LmrunError when the template declares no such port
 */
export async function endpointOf(
  context: SkyContext,
  vm: string,
  port: number,
  signal: AbortSignal,
): Promise<Endpoint> {
  const cloud = await cloudOf(context, vm, signal)
  if (WITHOUT_PORTS.test(cloud)) return fromFacts(vm, port, await factsOf(context, vm, signal))
  const { cli, clock } = context
  const until = clock.now() + PATIENCE_MS
  for (;;) {
    const reply = await cli.run(endpointArgs(vm, port), { signal, timeoutMs: 60_000 }).catch(error => {
      signal.throwIfAborted()
      return { exitCode: -1, stdout: '', stderr: String(error) }
    })
    const found = reply.exitCode === 0 ? readEndpoint(reply.stdout) : null
    if (found) return found
    // A pod of a cluster that opens no ports is reached by its address, or not at all.
    if (/^kubernetes/i.test(cloud)) return fromFacts(vm, port, await factsOf(context, vm, signal))
    if (clock.now() >= until) throw noEndpoint(vm, port, cleanLines(reply.stderr).at(-1))
    await clock.sleep(ASK_AGAIN_MS, signal)
  }
}

/** The last line that names a host and a port: `1.2.3.4:8000`, `http://host:8000`. */
export function readEndpoint(stdout: string): Endpoint | null {
  for (const line of cleanLines(stdout).reverse()) {
    const [, host, port] = /^(?:https?:\/\/)?([\w.-]+):(\d+)\/?$/.exec(line.trim()) ?? []
    if (host && port) return { host, port: Number(port) }
  }
  return null
}

async function cloudOf({ cli, notes }: SkyContext, vm: string, signal: AbortSignal): Promise<string> {
  const infra = (await notes.get(vm))?.offer?.infra
  if (infra) return infra
  const read = await askStatus(cli, [vm], { signal })
  return (read.ok && read.value.find(({ name }) => name === vm)?.cloud) || 'unknown'
}

async function factsOf({ access, clock }: SkyContext, vm: string, signal: AbortSignal): Promise<VmFacts> {
  const until = clock.now() + PATIENCE_MS
  for (;;) {
    signal.throwIfAborted()
    try {
      return await access.facts(vm)
    } catch (error) {
      if (clock.now() >= until) throw error
    }
    await clock.sleep(AGAIN_MS, signal)
  }
}

function fromFacts(vm: string, port: number, { address, ports }: VmFacts): Endpoint {
  const actual = ports[port]
  if (actual !== undefined) return { host: address, port: actual }
  throw noEndpoint(vm, port, `declared: ${Object.keys(ports).join(', ') || 'none'}`)
}

function noEndpoint(vm: string, port: number, why: string | undefined): LmrunError {
  return new LmrunError(`the VM ${vm} has no port ${port}${why ? `; ${why}` : ''}`, {
    hint: `Declare it in the template: resources: {ports: [${port}]}.`,
  })
}
