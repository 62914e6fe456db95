import { readOwner } from '../../src/labels.ts'
import type { SkyWorld } from '../support/sky-world/world.ts'

export interface SweeperOptions {
  readonly minutes: number
  /** Whether GitHub says that this workflow run is completed. */
  readonly isOver: (run: string) => boolean
}

/** The scheduled sweeper: asks the cloud itself for VMs with our labels, and ends those whose run is over. */
export function sweeper(world: SkyWorld, { minutes, isOver }: SweeperOptions): Disposable {
  return world.clock.every(minutes * 60_000, () => {
    for (const machine of world.machines()) {
      const owner = readOwner(machine.entry.labels)
      if (!owner) continue
      const expired = world.clock.now() / 1000 > owner.expiry
      if (expired || (owner.ending === 'down' && isOver(owner.run))) machine.end('sweeper')
    }
  })
}
