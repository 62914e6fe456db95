import { existsSync } from 'node:fs'
import path from 'node:path'
import pLimit from 'p-limit'
import { explain, LmrunError } from './errors.ts'
import { failureKind, VmLost } from './fleet/failures.ts'
import { follow } from './jobs.ts'
import { inLogs } from './output.ts'
import type { PlannedModel } from './plan.ts'
import type { RunContext } from './run-context.ts'
import { Tries } from './run-tries.ts'

/** Milliseconds between two looks for new answers: what a lost client takes with it is asked again. */
const PULL_MS = 30_000

/**
 * The benchmark client. When its VM is lost the next one goes on with the answers that had been pulled by then, and
 * whoever was at work on it does that work again: the steps go on where their files end.
 */
export class Client {
  readonly #context: RunContext
  readonly #tries: Tries
  /** rsync and copies of one folder, one after the other. */
  readonly #files = pLimit(1)
  /** Counts the VMs that were the client. */
  #number = 1
  #ready: Promise<void>

  constructor(context: RunContext) {
    this.#context = context
    this.#tries = new Tries({ subject: 'client', role: 'client', request: context.plan.client }, context)
    this.#ready = this.#launch()
    this.#unawaited()
  }

  /** Resolves when it can be worked on. Rejects when there is no client and will be none. */
  ready(): Promise<void> {
    return this.#ready
  }

  /** Does work on the client, again from its start whenever the client was lost meanwhile. */
  async use(work: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.#ready
      const number = this.#number
      try {
        return await work()
      } catch (error) {
        if (!this.#isLoss(error)) throw error
        this.#replace(number, error)
      }
    }
  }

  /** As `use`; new answers are pulled meanwhile. */
  async answering(work: () => Promise<void>): Promise<void> {
    using _pulls = this.#context.clock.every(PULL_MS, () => this.#pullQuietly())
    await this.use(work)
  }

  /** A model's answers are complete: keeps them here. Rejects with VmLost when the client was lost before. */
  async save(model: PlannedModel): Promise<void> {
    const number = this.#number
    try {
      await this.#files(async () => {
        await this.#pullData()
        await this.#pullNote(answerNote(model))
      })
    } catch (error) {
      if (this.#isLoss(error)) {
        this.#replace(number, error)
        throw error
      }
      this.#context.story.warn(`the answers of ${model.key} could not be saved yet: ${explain(error)}`)
    }
  }

  /** Answers, judgments and what the steps noted, to the output folder. Never rejects. */
  async fetchAll(): Promise<void> {
    const { plan, story } = this.#context
    try {
      await this.#files(async () => {
        await this.#pullData()
        for (const note of [...plan.models.map(answerNote), 'grade.json']) await this.#pullNote(note)
      })
    } catch (error) {
      story.warn(`the client's files could not be fetched: ${explain(error)}`)
    }
  }

  async #launch(lost?: VmLost): Promise<void> {
    let failure: unknown = lost
    for (;;) {
      try {
        if (failure !== undefined) await this.#tries.recover(failure)
        return await this.#context.story.phase('client', 'launch', () => this.#prepare())
      } catch (error) {
        if (error === failure) throw noClient(error)
        failure = error
      }
    }
  }

  async #prepare(): Promise<void> {
    const { fleet, mesh, clock, signal } = this.#context
    const job = await this.#tries.launch()
    await Promise.all([follow(fleet, job, 'the benchmark client', { clock, signal }), mesh.admit(job.vm)])
    if (existsSync(this.#data)) await fleet.push(job.vm, this.#data, 'data')
  }

  #replace(number: number, error: VmLost): void {
    if (number !== this.#number) return // another model noticed it first
    this.#number += 1
    this.#ready = this.#launch(error)
    this.#unawaited()
  }

  /** Every model awaits it; this keeps a failure from being unhandled while they still wait for their servers. */
  #unawaited(): void {
    this.#ready.catch(() => {})
  }

  #isLoss(error: unknown): error is VmLost {
    return error instanceof VmLost && error.vm === this.#context.plan.client.name
  }

  #pullQuietly(): void {
    if (this.#files.activeCount > 0) return
    this.#files(() => this.#pullData()).catch(() => {}) // whoever waits for its job hears of a lost VM
  }

  async #pullData(): Promise<void> {
    await this.#context.fleet.fetch(this.#context.plan.client.name, 'data', this.#data)
  }

  async #pullNote(name: string): Promise<void> {
    const { fleet, plan, inputs } = this.#context
    await fleet.fetch(plan.client.name, name, inLogs(inputs.options.outputDirectory, name))
  }

  get #data(): string {
    return path.join(this.#context.inputs.options.outputDirectory, 'data')
  }
}

function answerNote({ key }: PlannedModel): string {
  return `answer-${key.toLowerCase()}.json`
}

/** Told apart from the failures of servers, which another try may mend. */
function noClient(error: unknown): unknown {
  if (failureKind(error) === null) return error
  return new LmrunError(`there is no benchmark client: ${explain(error)}`, { cause: error })
}
