import { mask } from './action.ts'
import { type ActionDeps, actionDeps } from './action-deps.ts'
import { runCost, vmRecord } from './cost.ts'
import { explain, LmrunError } from './errors.ts'
import type { DownResult, Fleet, FleetKind } from './fleet/fleet.ts'
import { endByHand, type SavedVm, type VmEnding } from './fleet/run-vms.ts'
import { loadActionInputs } from './inputs.ts'
import type { Results } from './report/results.ts'
import { closeFleet } from './run-fleet.ts'
import { forgetDraft, loadState, type State } from './state.ts'
import { within } from './waiting.ts'

/** Ending VMs does not wait longer for fresh credentials than this. */
const CREDENTIALS_MS = 20_000
/** The server ends all about 5 minutes after a cancel; what is not posted by then is not posted. */
const PUBLISH_MS = 120_000

/**
 * The action's post step: ends what main left, then reports what main could not. Rejects when a VM may be left.
 * Ending comes first and needs nothing but the saved state: no input, token or network can keep it from happening.
 */
export async function cleanUp(deps: ActionDeps = actionDeps()): Promise<void> {
  const { env, log, source } = deps
  const state = loadState(env)
  const left = lastLaunches(state.vms).filter(vm => vm.ending === 'down' && vm.goneAt === null)
  const { fleets, credentials } = await openFleets(state, left, deps)
  const ended = await endVms(left, fleets, deps)
  const problems = [leftOver(ended), await publishUnfinished(state, ended, deps).catch(explain)]
  forgetDraft(env)
  // Last: what the fleets started themselves is needed until their VMs are gone.
  for (const fleet of fleets.values()) await closeFleet(fleet, { clock: source.clock, log, when: 'usual' })
  await credentials?.[Symbol.asyncDispose]()
  const text = problems.filter(problem => problem !== null).join('\n')
  if (text) throw new LmrunError(text)
}

/** The same fleets as main's, with credentials that are valid now: when there are none, those of the job must do. */
async function openFleets(state: State, left: readonly SavedVm[], deps: ActionDeps) {
  const { env, log, warn, source } = deps
  // Also the one that has no VM left: main may have had no time to stop what it started.
  const kinds = new Set([...(state.fleet ? [state.fleet] : []), ...left.map(vm => vm.fleet)])
  const isNeeded = left.some(vm => vm.fleet === 'sky')
  const credentials = isNeeded ? await freshCredentials(state.identity, deps) : undefined
  const options = { env: credentials?.env ?? env, log, warn }
  return { fleets: new Map([...kinds].map(kind => [kind, source.createFleet(kind, options)])), credentials }
}

async function freshCredentials(identity: State['identity'], deps: ActionDeps) {
  const { clock, openCredentials } = deps.source
  const opening = openCredentials(identity, { ...deps, clock }).catch(error => {
    deps.warn(`the cloud credentials could not be renewed: ${explain(error)}`)
    return undefined
  })
  return within(opening, { clock, ms: CREDENTIALS_MS })
}

/** Side by side. Those that main keeps on purpose, and those that it saw go, are not among them. */
async function endVms(
  left: readonly SavedVm[],
  fleets: ReadonlyMap<FleetKind, Fleet>,
  { log }: ActionDeps,
): Promise<readonly DownResult[]> {
  if (left.length === 0) log('No VM is left to end.')
  const names = (kind: FleetKind) => left.filter(vm => vm.fleet === kind).map(vm => vm.name)
  const ended = await Promise.all([...fleets].map(([kind, fleet]) => fleet.down(names(kind))))
  for (const { name, verified } of ended.flat()) {
    log(`${name}: ${verified ? 'gone' : 'ending, not seen to be gone'}`)
  }
  return ended.flat()
}

/** Of a VM that was launched again, the last launch is the one that may be left. */
function lastLaunches(vms: readonly SavedVm[]): readonly SavedVm[] {
  return [...new Map(vms.map(vm => [vm.name, vm])).values()]
}

function leftOver(ended: readonly DownResult[]): string | null {
  const left = ended.flatMap(result =>
    result.verified ? [] : [`${result.name} (${result.reason}): ${result.command}`],
  )
  if (left.length === 0) return null
  return `VMs that may still be running; end them by hand:\n${left.join('\n')}`
}

async function publishUnfinished(
  state: State,
  ended: readonly DownResult[],
  deps: ActionDeps,
): Promise<null> {
  if (!state.draft || state.published) return null
  const { env, source, publish } = deps
  const inputs = loadActionInputs(env)
  mask(inputs, deps)
  const signal = source.clock.timeout(PUBLISH_MS)
  await publish(unfinished(state.draft, { state, ended, now: source.clock.now() }), {
    ...inputs,
    env,
    signal,
  })
  return null
}

interface Since {
  readonly state: State
  readonly ended: readonly DownResult[]
  /** Unix milliseconds. */
  readonly now: number
}

/** What main knew when it ended, with what has become of its VMs since, and what they cost. */
function unfinished(draft: Results, { state: { vms }, ended, now }: Since): Results {
  const last = new Set(lastLaunches(vms))
  const results = new Map(ended.map(result => [result.name, result]))
  const records = vms.map(vm => {
    const result = last.has(vm) ? results.get(vm.name) : undefined
    return vmRecord(endingOf(vm, { result, now }), now)
  })
  const cost = runCost(records)
  return {
    ...draft,
    run: { ...draft.run, endedAt: now },
    vms: records,
    ...(cost ? { cost } : {}),
  }
}

function endingOf(
  { fleet, ending, ...vm }: SavedVm,
  { result, now }: { readonly result: DownResult | undefined; readonly now: number },
): VmEnding {
  if (result && !result.verified) return { ...vm, goneAt: null, command: result.command }
  if (ending === 'keep' && !result && vm.goneAt === null) {
    return { ...vm, kept: true, command: endByHand(fleet, vm.name) }
  }
  return { ...vm, goneAt: vm.goneAt ?? now }
}
