import path from 'node:path'
import type { Clock } from './clock.ts'
import { type Env, packageRoot } from './env.ts'
import { InputError, LmrunError, type Problem } from './errors.ts'
import { FAILURES, failureKind } from './fleet/failures.ts'
import { type Fleet, type LaunchRequest, NO_RESOURCES, type VmInfo, type VmPrice } from './fleet/fleet.ts'
import { endByHand } from './fleet/run-vms.ts'
import { DISARM_SCRIPT } from './fleet/sky/render/remote-paths.ts'
import { canJoin, MESH_CLOUDS } from './fleets.ts'
import { follow } from './jobs.ts'
import { LABEL, ownerLabels } from './labels.ts'
import type { MainInfo } from './mesh-join.ts'
import { connectMain, reachable } from './mesh-main.ts'
import { OPTIONS } from './options.ts'
import { TEARDOWN_MINUTES } from './plan.ts'
import { NO_PAST, nextTry, past, pauseMs } from './recovery.ts'
import { dollars } from './report/numbers.ts'
import type { Run } from './run.ts'

/** What `lmrun mesh up` is told, as it is given. */
export interface UpFlags {
  readonly name: string
  readonly infra?: string
  readonly leaseMinutes: string
}

/** A year: the longest lease that a fleet takes. */
const MAX_LEASE_MINUTES = 525_600
const RETRIES = 2
/** Of credentials: main's launch. What holds after that is its lease. */
const LAUNCH_MINUTES = 30

/**
 * The launch of a main that stays: `keep` and an expiry, with which the sweeper leaves it alone until its lease is over.
 * @param now Unix milliseconds
 * @throws InputError with all problems at once
 */
export function mainRequest(
  flags: UpFlags,
  { env, run, now }: { env: Env; run: Run; now: number },
): LaunchRequest {
  const region = env.AWS_DEFAULT_REGION
  const given = flags.infra ?? (region ? `aws/${region}` : '')
  const infra = OPTIONS['client-infra'].schema.safeParse(given)
  const leaseMinutes = Number(flags.leaseMinutes)
  const problems = [
    ...nameProblems(flags.name),
    ...(infra.success ? placeProblems(infra.data) : [placeProblem(`"${given}" is not allowed`)]),
    ...(/^\d+$/.test(flags.leaseMinutes) && leaseMinutes >= 1 && leaseMinutes <= MAX_LEASE_MINUTES
      ? []
      : [
          {
            where: '--lease-minutes',
            what: `"${flags.leaseMinutes}" is not allowed`,
            allowed: `Give whole minutes from 1 to ${MAX_LEASE_MINUTES} (a year)`,
          },
        ]),
  ]
  if (problems.length > 0 || !infra.success) throw new InputError(problems)
  const expiry = now / 1000 + (leaseMinutes + TEARDOWN_MINUTES) * 60
  return {
    ...{ name: flags.name, leaseMinutes, reuse: false, envs: {}, secrets: {} },
    template: path.join(packageRoot(), 'templates', 'main.yaml'),
    labels: { ...ownerLabels({ ...run.owner, expiry, ending: 'keep' }), [LABEL.role]: 'main' },
    resources: { ...NO_RESOURCES, infra: infra.data },
  }
}

function nameProblems(name: string): Problem[] {
  if (OPTIONS.mesh.schema.safeParse(name).success && name !== 'auto' && name !== 'off') return []
  const what = `"${name}" cannot be the name of a main node`
  const allowed =
    'Give a letter, then letters, digits and "-", at most 26; "auto" and "off" mean something else'
  return [{ where: 'lmrun mesh up', what, allowed }]
}

function placeProblems(infra: readonly string[]): Problem[] {
  if (infra.length === 0) return [placeProblem('nothing says where main is to be')]
  const outside = infra.filter(one => !canJoin(one))
  if (outside.length === 0) return []
  return [placeProblem(`VMs of ${outside.join(', ')} cannot be in a mesh: they are no machines of their own`)]
}

function placeProblem(what: string): Problem {
  const allowed = `Give places of ${MESH_CLOUDS.join(', ')}, like aws/us-east-1, or set AWS_DEFAULT_REGION`
  return { where: '--infra', what, allowed }
}

export interface UpDeps {
  readonly fleet: Fleet
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** A main that VMs can join. */
export interface MainUp {
  readonly main: MainInfo
  /** It was up before. */
  readonly adopted: boolean
  /** Unix milliseconds; null for a main without a lease, which was launched by hand. */
  readonly expiresAt: number | null
  /** Null when the fleet does not know it. */
  readonly price: VmPrice | null
}

/**
 * Launches a main and waits until VMs can join it. One of this name that is up is used, and only its lease begins anew;
 * what was launched here and did not become a main is ended.
 */
export async function meshUp(request: LaunchRequest, deps: UpDeps): Promise<MainUp> {
  const { fleet, clock, log } = deps
  const { name, leaseMinutes } = request
  const there = (await fleet.list()).find(vm => vm.name === name)
  if (there && there.status !== 'UP') {
    throw new LmrunError(`a VM called ${name} is there already, and it is ${there.status}`, {
      hint: `Wait, or end it: ${endByHand(fleet.kind, name)}`,
    })
  }
  if (there) log(`${name} is up already`)
  const main = there ? await mainOf(name, deps) : await launchAnew(request, deps)
  const isOurs = there === undefined || there.labels[LABEL.role] === 'main'
  if (there && isOurs) {
    await renew(request, deps)
    for (const line of sweptBefore(there, clock.now() + leaseMinutes * 60_000)) log(line)
  }
  const prices = await fleet.prices?.([name]).catch(() => null)
  return {
    main,
    adopted: there !== undefined,
    expiresAt: isOurs ? clock.now() + leaseMinutes * 60_000 : there.expiresAt,
    price: prices?.get(name) ?? null,
  }
}

async function launchAnew(request: LaunchRequest, deps: UpDeps): Promise<MainInfo> {
  const { fleet, clock, signal, log } = deps
  const { name } = request
  const ahead = await fleet.preflight?.([request], { minutes: LAUNCH_MINUTES })
  for (const { what, hourly } of ahead?.offers ?? []) log(`main will be ${what}: ${dollars(hourly)} an hour`)
  for (let before = NO_PAST; ; ) {
    try {
      const job = await fleet.launch(request, signal)
      log(`${name} is up, and becomes a main node: a minute or two`)
      await follow(fleet, job, 'the main node of the mesh', { clock, signal })
      return await mainOf(name, deps)
    } catch (error) {
      await undo(fleet, name, error)
      const kind = failureKind(error)
      if (kind === null || signal.aborted || nextTry(kind, before, RETRIES) === 'given-up') throw error
      log(`${name} is launched again: ${FAILURES[kind].words}`)
      await clock.sleep(pauseMs(kind, before), signal)
      before = past(before, kind)
    }
  }
}

/** What main tells of itself, once its API server answers. */
async function mainOf(name: string, { fleet, signal }: UpDeps): Promise<MainInfo> {
  await using tunnels = new AsyncDisposableStack()
  return (await connectMain(reachable(fleet), { name, signal, tunnels })).main
}

/** The machine's own shutdown, armed at its launch, would be over with its first lease. */
async function renew({ name, leaseMinutes }: LaunchRequest, { fleet, signal }: UpDeps): Promise<void> {
  await fleet.renewLease([name], leaseMinutes)
  await reachable(fleet).run(name, DISARM_SCRIPT, signal)
}

/** A cloud's labels stay as they are: what they say of the first lease is what the sweeper goes by. */
function sweptBefore({ name, labels }: VmInfo, expiresAt: number): readonly string[] {
  const expiry = Number(labels[LABEL.expiry]) * 1000
  if (!(expiry < expiresAt)) return []
  const from = new Date(expiry).toISOString().slice(0, 16).replace('T', ' ')
  return [
    `its lease is longer than its labels say: where a sweeper runs, that ends ${name} from ${from} UTC on when no run is live`,
  ]
}

async function undo(fleet: Fleet, name: string, cause: unknown): Promise<void> {
  const [result] = await fleet.down([name])
  if (!result || result.verified) return
  throw new LmrunError(`${name} may still be running (${result.reason})`, {
    cause,
    hint: `End it: ${result.command}`,
  })
}
