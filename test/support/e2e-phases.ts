/** Ways to be in a phase of the run for long, and how to know that it has begun. */
import type { World, WorldRun } from './e2e.ts'
import type { Fault } from './github-server.ts'
import type { Watched } from './runner.ts'

export interface HeldPhase {
  readonly name: 'check' | 'launch' | 'setup' | 'load' | 'answer' | 'grade' | 'report'
  readonly run: WorldRun
  readonly faults?: readonly Fault[]
  readonly begun: (main: Watched, world: World) => Promise<void>
  /** What must be there after post; `maybe` when the phase is too short to be caught for sure. */
  readonly comment: 'one' | 'maybe'
}

export const PHASES: readonly HeldPhase[] = [
  { name: 'check', run: {}, begun: main => main.seen(/check …/), comment: 'maybe' },
  {
    name: 'launch',
    run: { servers: { a: 'slow-setup' } },
    begun: main => main.seen(/a: launch …/),
    comment: 'one',
  },
  {
    name: 'setup',
    run: { servers: { a: 'slow-setup' } },
    begun: (_, world) => world.running(/^sleep 600$/),
    comment: 'one',
  },
  {
    name: 'load',
    run: { servers: { a: 'load' } },
    begun: async (main, world) => {
      await main.seen(/a: load …/)
      await world.running(/openai-server/)
    },
    comment: 'one',
  },
  {
    name: 'answer',
    run: { servers: { a: 'hang' } },
    begun: async (main, world) => {
      await main.seen(/a: answer …/)
      await world.running(/dist\/cli\/index.js answer/)
    },
    comment: 'one',
  },
  {
    name: 'grade',
    run: { stuckClient: true },
    begun: async (main, world) => {
      await main.seen(/a: grade …/)
      await main.seen(/a: release done/)
      await world.running(/^sleep 600$/)
    },
    comment: 'one',
  },
  {
    name: 'report',
    run: {},
    // The comment is created when the run begins; its results are the first update.
    faults: [{ method: 'PATCH', path: '/issues/comments/', action: { kind: 'hang' } }],
    begun: (_, world) => world.asked('PATCH', /issues\/comments\//),
    comment: 'one',
  },
]
