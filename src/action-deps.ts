import * as core from '@actions/core'
import type { CommentResult } from './comment-results.ts'
import { currentEnv, type Env } from './env.ts'
import { type PublishDeps, publish } from './publish.ts'
import type { Results } from './report/results.ts'
import { type FleetDeps, type FleetSource, REAL_FLEETS } from './run-fleet.ts'
import type { SaveState } from './state.ts'

/** The runner that main and post work for, and the world behind it: tests live through thousands of their own. */
export interface ActionDeps extends FleetDeps {
  /** What post gets to read, however main ends. */
  readonly saveState: SaveState
  readonly source: FleetSource
  readonly publish: (results: Results, deps: PublishDeps) => Promise<CommentResult>
  /** Names the run's VMs; random when absent. */
  readonly nonce?: string
}

/** GitHub's runner, through @actions/core. */
export function actionDeps(env: Env = currentEnv()): ActionDeps {
  return {
    env,
    log: core.info,
    warn: core.warning,
    mask: core.setSecret,
    saveState: core.saveState,
    source: REAL_FLEETS,
    publish,
  }
}
