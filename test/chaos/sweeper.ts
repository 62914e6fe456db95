import { readOwner } from '../../src/labels.ts'
import { decide, type RunState } from '../../src/sweep/decide.ts'
import type { SkyWorld } from '../support/sky-world/world.ts'

export interface SweeperOptions {
  readonly minutes: number
  readonly repository: string
  /** What GitHub says of this workflow run. */
  readonly stateOf: (run: string) => RunState
  /** Whether any other run of the repository is live. */
  readonly othersLive: () => boolean
}

/** The scheduled sweeper: asks the cloud itself, and ends what the real decision says is nobody's. */
export function sweeper(
  world: SkyWorld,
  { minutes, repository, stateOf, othersLive }: SweeperOptions,
): Disposable {
  return world.clock.every(minutes * 60_000, () => {
    for (const machine of world.machines()) {
      const { labels } = machine.entry
      const run = stateOf(readOwner(labels)?.run ?? '')
      const now = world.clock.now()
      const { action } = decide(
        { kind: 'vm', labels, state: 'up' },
        { now, repository, run, othersLive: othersLive() },
      )
      if (action === 'end') machine.end('sweeper')
    }
  })
}
