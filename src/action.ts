import * as core from '@actions/core'
import { type BenchDeps, bench } from './bench.ts'
import { systemClock } from './clock.ts'
import type { CommentResult } from './comment-results.ts'
import { openCredentials } from './credentials/credentials.ts'
import { currentEnv, type Env } from './env.ts'
import { explain, LmrunError } from './errors.ts'
import type { DownResult, Fleet, FleetKind } from './fleet/fleet.ts'
import { endByHand } from './fleet/run-vms.ts'
import { createFleet } from './fleets.ts'
import { type Inputs, loadActionInputs } from './inputs.ts'
import { LiveComment } from './live-comment.ts'
import { plainProgress } from './progress.ts'
import { type PublishDeps, publish } from './publish.ts'
import type { Results, VmRecord } from './report/results.ts'
import { isGood } from './results.ts'
import { createRun } from './run.ts'
import { closeFleet, type FleetDeps, openFleet, type RunFleet } from './run-fleet.ts'
import {
  forgetDraft,
  loadState,
  type State,
  saveDraft,
  saveIdentity,
  savePublished,
  saveVms,
} from './state.ts'
import { within } from './waiting.ts'

/** After a cancel the runner gives main 7.5 s before SIGTERM; what is not gone by then is post's. */
const CANCEL_GRACE_MS = 4000
/** Ending VMs does not wait longer for fresh credentials than this. */
const CREDENTIALS_MS = 20_000
/** The action's main step. Rejects when the step should fail. */
export async function runAction(signal: AbortSignal): Promise<void> {
  const env = currentEnv()
  const inputs = loadActionInputs(env)
  mask(inputs)
  saveIdentity(inputs.options)
  const fleet = await openFleet(inputs, fleetDeps(env))
  await using _fleet = { [Symbol.asyncDispose]: () => fleet.close(signal) }
  const live = new LiveComment({ ...inputs, env, signal, log: core.info, warn: core.warning })
  const results = await withinGrace(bench(inputs, actionDeps({ fleet, live, env, signal })), signal)
  // What this step does not get to publish, post does.
  saveDraft(results, env)
  signal.throwIfAborted()
  const { failure } = await withinGrace(publishLast(results, { ...inputs, env, signal }, live), signal)
  signal.throwIfAborted()
  savePublished()
  if (failure) throw new LmrunError(failure)
  if (!isGood(results)) throw new LmrunError('The run has no valid score for every model: see the report.')
}

interface ActionParts {
  readonly fleet: RunFleet
  readonly live: LiveComment
  readonly env: Env
  readonly signal: AbortSignal
}

function actionDeps({ fleet, live, env, signal }: ActionParts): BenchDeps {
  return {
    ...fleet,
    run: createRun(env),
    progress: live.watch(plainProgress(core.info, core.warning)),
    saveDraft: draft => {
      saveDraft(draft, env)
      live.begin(draft)
    },
    saveVms,
    signal,
    label: name => `input ${name}`,
  }
}

async function publishLast(results: Results, deps: PublishDeps, live: LiveComment): Promise<CommentResult> {
  await live.stop()
  return publish(results, deps)
}

/**
 * The action's post step: ends what main left, then reports what main could not. Rejects when a VM may be left.
 * Ending comes first and needs nothing but the saved state: no input, token or network can keep it from happening.
 */
export async function cleanUp(): Promise<void> {
  const env = currentEnv()
  const state = loadState(env)
  if (!state.draft && state.vms.length === 0) {
    return core.info('Nothing was launched, so nothing is left to end.')
  }
  const { fleets, credentials } = await openFleets(state, env)
  const ended = await endVms(state, fleets)
  const problems = [leftOver(ended), await publishUnfinished(state, ended, env).catch(explain)]
  forgetDraft(env)
  // Last: what the fleets started themselves is needed until their VMs are gone.
  for (const fleet of fleets.values()) await closeFleet(fleet, core.info)
  await credentials?.[Symbol.asyncDispose]()
  const text = problems.filter(problem => problem !== null).join('\n')
  if (text) throw new LmrunError(text)
}

/** The same fleets as main's, with credentials that are valid now: when there are none, those of the job must do. */
async function openFleets({ vms, identity }: State, env: Env) {
  const kinds = new Set(vms.map(vm => vm.fleet))
  const deps = fleetDeps(env)
  const credentials = kinds.has('sky') ? await freshCredentials(identity, deps) : undefined
  const options = { env: credentials?.env ?? env, log: core.info, warn: core.warning }
  return { fleets: new Map([...kinds].map(kind => [kind, createFleet(kind, options)])), credentials }
}

async function freshCredentials(identity: State['identity'], deps: FleetDeps) {
  const opening = openCredentials(identity, { ...deps, clock: systemClock }).catch(error => {
    core.warning(`the cloud credentials could not be renewed: ${explain(error)}`)
    return undefined
  })
  return within(opening, { clock: systemClock, ms: CREDENTIALS_MS })
}

function leftOver(ended: readonly DownResult[]): string | null {
  const left = ended.flatMap(result =>
    result.verified ? [] : [`${result.name} (${result.reason}): ${result.command}`],
  )
  if (left.length === 0) return null
  return `VMs that may still be running; end them by hand:\n${left.join('\n')}`
}

function fleetDeps(env: Env): FleetDeps {
  return { env, log: core.info, warn: core.warning, mask: core.setSecret }
}

async function publishUnfinished(state: State, ended: readonly DownResult[], env: Env): Promise<null> {
  if (!state.draft || state.published) return null
  const inputs = loadActionInputs(env)
  mask(inputs)
  const signal = AbortSignal.timeout(PUBLISH_MS)
  await publish(unfinished(state.draft, state, ended), { ...inputs, env, signal })
  return null
}

/** The server ends all about 5 minutes after a cancel; what is not posted by then is not posted. */
const PUBLISH_MS = 120_000

/** All but those that are kept on purpose, side by side. */
async function endVms({ vms }: State, fleets: ReadonlyMap<FleetKind, Fleet>): Promise<readonly DownResult[]> {
  const names = (kind: FleetKind) =>
    vms.filter(vm => vm.fleet === kind && vm.ending === 'down').map(vm => vm.name)
  const ended = await Promise.all([...fleets].map(([kind, fleet]) => fleet.down(names(kind))))
  for (const { name, verified } of ended.flat()) {
    core.info(`${name}: ${verified ? 'gone' : 'ending, not seen to be gone'}`)
  }
  return ended.flat()
}

/** What main knew when it ended, with what has become of its VMs since. */
function unfinished(draft: Results, { vms }: State, ended: readonly DownResult[]): Results {
  // Of a VM that was launched again, the last launch is the one that may be left.
  const known = new Map(draft.vms.map(vm => [vm.name, vm]))
  const earlier = draft.vms.filter(vm => known.get(vm.name) !== vm)
  const records = vms.map(({ name, role, ending, fleet }): VmRecord => {
    const before = known.get(name) ?? { name, role, launchedAt: draft.run.startedAt, goneAt: null }
    const result = ended.find(one => one.name === name)
    if (result && !result.verified) return { ...before, command: result.command }
    const { command: _, ...gone } = before
    if (ending === 'keep') return { ...gone, kept: true, command: endByHand(fleet, name) }
    return { ...gone, goneAt: before.goneAt ?? Date.now() }
  })
  return { ...draft, run: { ...draft.run, endedAt: Date.now() }, vms: [...earlier, ...records] }
}

/** Gives up waiting some seconds after a cancel: post does the rest. */
async function withinGrace<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const cancelled = () =>
    setTimeout(
      () => reject(new LmrunError('the run was cancelled: the post step ends what is left')),
      CANCEL_GRACE_MS,
    )
  if (signal.aborted) cancelled()
  else signal.addEventListener('abort', cancelled, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', cancelled)
  }
}

function mask({ githubToken, secrets }: Inputs): void {
  for (const secret of [githubToken, ...Object.values(secrets)]) {
    // The runner masks line by line.
    for (const line of secret.split('\n')) if (line.trim()) core.setSecret(line.trim())
  }
}
