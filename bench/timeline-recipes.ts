import path from 'node:path'
import { VirtualClock } from '../test/support/sky-world/clock.ts'
import { worldBench } from '../test/support/sky-world/run.ts'
import { Process } from '../test/support/sky-world/runner.ts'
import { worldSkyCli } from '../test/support/sky-world/sky-cli.ts'
import { SkyWorld } from '../test/support/sky-world/world.ts'
import { taskFileOf } from './timeline-files.ts'

/**
 * Seconds of a run of two 32B models. Weights of 65 GB at 1 GB/s: 66; vLLM after the weights: 35 to 215, so 100;
 * answers and grades as a run of some hundred questions has them.
 */
export const WORK = {
  setupServer: 60,
  setupClient: 60,
  load: 66 + 100,
  answer: 15 * 60,
  grade: 10 * 60,
  questions: 60,
}
export const MODELS = ['qwen-coder', 'sky-t1']

export interface Timeline {
  readonly world: SkyWorld
  /** Seconds from the first command to the last VM's end. */
  readonly wall: number
}

interface Stage {
  readonly clock: VirtualClock
  readonly world: SkyWorld
  readonly process: Process
  readonly folder: string
}

function stage(folder: string): Stage {
  const clock = new VirtualClock()
  const world = new SkyWorld({ clock, seed: 1, work: WORK })
  return { clock, world, process: new Process(world.runner, 'finally', clock), folder }
}

async function timed(at: Stage, work: (at: Stage) => Promise<unknown>): Promise<Timeline> {
  const since = at.clock.now()
  await at.clock.run(work(at))
  return { world: at.world, wall: (at.clock.now() - since) / 1000 }
}

/** The story as lmrun tells it: the real one. */
export function ours(folder: string): Promise<Timeline> {
  return timed(stage(folder), async ({ world, process }) => {
    const results = await worldBench(world, process, { folder, models: MODELS })
    if (results.run.status !== 'completed') throw new Error(JSON.stringify(results.failure ?? results.models))
  })
}

/** As the founding text has it: the servers, once they serve the client of each, which grades too; then down by hand. */
export function byHand(folder: string): Promise<Timeline> {
  return timed(stage(folder), async at => {
    await Promise.all(
      MODELS.map(async model => {
        await launch(at, model, 'server')
        await serves(at, model)
        await launch(at, `client-${model}`, 'client')
        await setUp(at, `client-${model}`)
        await at.clock.sleep((WORK.answer + WORK.grade) * 1000)
        await down(at, [model, `client-${model}`])
      }),
    )
  })
}

/** An action that launches all, works, and tears all down at its end. */
export function atTheEnd(folder: string): Promise<Timeline> {
  return timed(stage(folder), async at => {
    await Promise.all([launch(at, 'client', 'client'), ...MODELS.map(model => launch(at, model, 'server'))])
    await Promise.all([setUp(at, 'client'), ...MODELS.map(model => serves(at, model))])
    await at.clock.sleep(WORK.answer * 1000)
    // On one client grading is one model after another: the graders run model-written code.
    await at.clock.sleep(WORK.grade * MODELS.length * 1000)
    await down(at, ['client', ...MODELS])
  })
}

async function launch(
  { world, process, folder }: Stage,
  name: string,
  role: 'server' | 'client',
): Promise<void> {
  const file = await taskFileOf(folder, name, role)
  const reply = await worldSkyCli(world, process, recordsIn(folder)).run([
    'launch',
    '-y',
    '-d',
    '-c',
    name,
    '-i',
    '300',
    '--down',
    file,
  ])
  if (reply.exitCode !== 0) throw new Error(reply.stderr)
}

async function serves({ clock, world }: Stage, name: string): Promise<void> {
  while (!world.machine(name)?.serves) await clock.sleep(500)
}

async function setUp({ clock, world }: Stage, name: string): Promise<void> {
  while (world.machine(name)?.job(1).state.status !== 'SUCCEEDED') await clock.sleep(500)
}

async function down({ world, process, folder }: Stage, names: readonly string[]): Promise<void> {
  const sky = worldSkyCli(world, process, recordsIn(folder))
  await Promise.all(names.map(name => sky.run(['down', '-y', name])))
}

function recordsIn(folder: string): string {
  return path.join(folder, 'calls')
}
