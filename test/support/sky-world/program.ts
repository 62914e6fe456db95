import { SECRETS_WAIT_S } from '../../../src/fleet/sky/render/scripts.ts'
import type { BoundTask } from '../../../src/fleet/task.ts'
import type { Machine } from './machine.ts'
import type { Role, Work } from './work.ts'
import type { SkyWorld } from './world.ts'

/** What the programs on the VMs do: setup and run of the launch's own job, and the client's steps. */

/** A task file as the launch was given it: what matters of it here. */
export interface TaskFile {
  readonly setup: string
  readonly role: Role
  readonly leaseMinutes: number
  /** Handed over, relative to the home, before setup begins; null: nothing is waited for. */
  readonly awaits: string | null
}

/** Job 1: setup, which arms the machine's shutdown first, then run. */
export async function runLaunched(world: SkyWorld, machine: Machine, task: TaskFile): Promise<void> {
  const { clock, work } = world
  const job = machine.job(1)
  job.begin('SETTING_UP', clock.now())
  // A machine whose shutdown was armed ends itself even if SkyPilot never arms a lease.
  if (/\bshutdown\b/.test(task.setup)) machine.armShutdown(task.leaseMinutes)
  if (task.awaits !== null && !(await comes(world, machine, task.awaits))) {
    job.log.push('the secrets did not come')
    return job.end({ status: 'FAILED_SETUP', exitCode: 1 }, clock.now())
  }
  await pass(world, machine, task.role === 'server' ? work.setupServer : work.setupClient)
  if (work.setupFails?.(machine.name)) {
    job.log.push('setup failed')
    return job.end({ status: 'FAILED_SETUP', exitCode: 1 }, clock.now())
  }
  job.begin('RUNNING', clock.now())
  if (task.role !== 'server') return job.end({ status: 'SUCCEEDED', exitCode: 0 }, clock.now())
  await serve(world, machine, work)
  job.end({ status: 'FAILED', exitCode: 1 }, clock.now())
}

/** Looks once a second, as the rendered setup does. */
async function comes(world: SkyWorld, machine: Machine, file: string): Promise<boolean> {
  for (let second = 0; second < SECRETS_WAIT_S && !machine.handed.has(file); second++) {
    await pass(world, machine, 1)
  }
  return machine.handed.has(file)
}

/** Serves until it dies, which most never do. */
async function serve(world: SkyWorld, machine: Machine, work: Work): Promise<void> {
  const dies = work.serverDies?.(machine.name) ?? null
  await pass(world, machine, Math.min(work.load, dies ?? work.load))
  machine.serves = dies === null || dies > work.load
  if (dies === null) return new Promise(() => {})
  await pass(world, machine, Math.max(0, dies - work.load))
  machine.serves = false
}

/** One step of the client for one model: answers are written one by one, and go on from those that are there. */
export async function runStep(world: SkyWorld, machine: Machine, id: number, task: BoundTask): Promise<void> {
  const { STEP: step, SERVER: server = '', MODEL: model = '' } = task.envs
  const { clock, work } = world
  const job = machine.job(id)
  job.begin('RUNNING', clock.now())
  if (step === 'answer') {
    const file = answersFile(model)
    for (let done = count(machine, file); done < work.questions; done++) {
      await pass(world, machine, work.answer / work.questions)
      if (!world.machine(server)?.serves) return job.end({ status: 'FAILED', exitCode: 1 }, clock.now())
      const line = JSON.stringify({ question_id: `q${done}`, model_id: model.toLowerCase() })
      machine.files.set(file, `${machine.files.get(file) ?? ''}${line}\n`)
      job.log.push(`answered ${done + 1} of ${work.questions}`)
    }
  } else if (step === 'grade') {
    await pass(world, machine, work.grade)
  }
  job.end({ status: 'SUCCEEDED', exitCode: 0 }, clock.now())
}

/** Relative to the VM's working folder. */
export function answersFile(model: string): string {
  return `data/live_bench/reasoning/smoke/model_answer/${model.toLowerCase()}.jsonl`
}

function count(machine: Machine, file: string): number {
  return (machine.files.get(file) ?? '').split('\n').filter(line => line !== '').length
}

/** Nothing goes on on a machine that is gone. */
async function pass({ clock }: SkyWorld, machine: Machine, seconds: number): Promise<void> {
  try {
    await clock.sleep(seconds * 1000, machine.gone)
  } catch {
    await new Promise(() => {})
  }
}
