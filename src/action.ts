import { type ActionDeps, actionDeps } from './action-deps.ts'
import { type BenchDeps, bench } from './bench.ts'
import { type Cancel, withinGrace } from './cancel.ts'
import type { CommentResult } from './comment-results.ts'
import { LmrunError } from './errors.ts'
import { type Inputs, loadActionInputs } from './inputs.ts'
import { kubeconfigSecrets } from './kubeconfig.ts'
import { LiveComment } from './live-comment.ts'
import { fleetKind } from './options.ts'
import { plainProgress } from './progress.ts'
import type { Results } from './report/results.ts'
import { isGood } from './results.ts'
import { createRun } from './run.ts'
import { openFleet, type RunFleet } from './run-fleet.ts'
import { saveDraft, saveFleet, saveIdentity, savePublished, saveVms } from './state.ts'

/** The action's main step. Rejects when the step should fail, and soon after a cancel: post does the rest. */
export async function runAction(cancel: Cancel, deps: ActionDeps = actionDeps()): Promise<void> {
  const { env, saveState } = deps
  const { signal } = cancel
  const inGrace = <T>(work: Promise<T>) => withinGrace(work, cancel, deps.source.clock)
  const inputs = loadActionInputs(env)
  mask(inputs, deps)
  saveIdentity(inputs.options, saveState)
  saveFleet(fleetKind(inputs.options), saveState)
  const fleet = await inGrace(openFleet(inputs, deps, deps.source))
  await using _fleet = { [Symbol.asyncDispose]: () => fleet.close(signal) }
  const live = new LiveComment({ ...inputs, env, signal, log: deps.log, warn: deps.warn })
  const results = await inGrace(bench(inputs, benchDeps({ fleet, live, signal }, deps)))
  // What this step does not get to publish, post does.
  saveDraft(results, env, saveState)
  signal.throwIfAborted()
  const { failure } = await inGrace(publishLast(results, { inputs, live, signal }, deps))
  signal.throwIfAborted()
  savePublished(saveState)
  if (failure) throw new LmrunError(failure)
  if (!isGood(results)) throw new LmrunError('The run has no valid score for every model: see the report.')
}

interface Parts {
  readonly live: LiveComment
  readonly signal: AbortSignal
}

function benchDeps({ fleet, live, signal }: Parts & { fleet: RunFleet }, deps: ActionDeps): BenchDeps {
  const { env, log, warn, saveState, nonce } = deps
  return {
    ...fleet,
    run: createRun(env, nonce),
    progress: live.watch(plainProgress(log, warn)),
    saveDraft: draft => {
      saveDraft(draft, env, saveState)
      live.begin(draft)
    },
    saveVms: vms => saveVms(vms, saveState),
    signal,
    label: name => `input ${name}`,
  }
}

async function publishLast(
  results: Results,
  { inputs, live, signal }: Parts & { inputs: Inputs },
  { env, publish }: ActionDeps,
): Promise<CommentResult> {
  await live.stop()
  return publish(results, { ...inputs, env, signal })
}

/** Keeps the values of secrets out of the log. */
export function mask({ githubToken, secrets, options }: Inputs, deps: Pick<ActionDeps, 'mask'>): void {
  const ofMesh = kubeconfigSecrets(options.meshKubeconfig ?? '')
  for (const secret of [githubToken, ...Object.values(secrets), ...ofMesh]) {
    // The runner masks line by line.
    for (const line of secret.split('\n')) if (line.trim()) deps.mask(line.trim())
  }
}
