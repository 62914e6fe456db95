/**
 * A small GitHub Actions runner for one action with main and post: its variables and files, its signal ladder on
 * cancel, post in every case, and the end of orphans at the job's end.
 * Source: actions/runner 2.336.0 (HandlerFactory, ProcessInvoker, FileCommandManager, JobExtension).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killAll, type Left, processesWith } from './processes.ts'
import { type JobContext, type JobOptions, prepareJob } from './runner-job.ts'
import { type Annotation, readKeyValueFile, readStepLog } from './workflow-commands.ts'

export interface RunOptions extends JobOptions {
  readonly cancel?: Cancel
}

export interface Cancel {
  /** Resolves when it is time to cancel. */
  readonly when: (main: Watched) => Promise<void>
  /**
   * `ladder`: SIGINT to the node process alone, SIGTERM, SIGKILL. `term`: the same without SIGINT.
   * `kill`: SIGKILL at once, then post. `runner-gone`: SIGKILL, then nothing: no post, no end of orphans.
   * `not`: it goes on, with whatever `when` did to its world.
   */
  readonly how: 'ladder' | 'term' | 'kill' | 'runner-gone' | 'not'
  /** Milliseconds from SIGINT to SIGTERM and from SIGTERM to SIGKILL; the runner's own when absent. */
  readonly waits?: readonly [number, number]
}

/** A step that runs. */
export interface Watched {
  readonly pid: number
  output(): string
  /** Resolves when stdout matches; rejects when the step ends without, or after `SEEN_WITHIN_MS`. */
  seen(pattern: RegExp): Promise<void>
}

export interface StepResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** As the log shows it: masked. */
  readonly log: string
  /** As it was written, before masking. */
  readonly stdout: string
  readonly stderr: string
  readonly annotations: readonly Annotation[]
  readonly masks: readonly string[]
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  readonly summary: string
}

export interface RunResult extends StepResult {
  /** Signals that the ladder came to. */
  readonly signals: readonly NodeJS.Signals[]
  /** Null when the runner was gone. */
  readonly post: StepResult | null
  /** Processes with the job's tracking id after post: the runner kills them, a good action leaves none. */
  readonly orphans: readonly Left[]
  readonly trackingId: string
  readonly workspace: string
}

const FILES = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY', 'GITHUB_PATH'] as const
/** Below the deadline of a test, so that it fails with its clean-up and not without. */
export const SEEN_WITHIN_MS = 80_000
const LADDER_WAITS = [7500, 2500] as const

export async function runAction(options: RunOptions): Promise<RunResult> {
  const trackingId = `github_${crypto.randomUUID()}`
  const job = await prepareJob(options, trackingId)
  const main = await startStep('main', job)
  const signals: NodeJS.Signals[] = []
  const cancelled = options.cancel ? cancelStep(main, options.cancel, signals) : Promise.resolve()
  const [result] = await Promise.all([endOfStep(main, job), cancelled])
  const gone = options.cancel?.how === 'runner-gone'
  const post = gone ? null : await runPost(job, result.state)
  const orphans = processesWith(trackingId)
  if (!gone) killAll(orphans)
  return { ...result, signals, post, orphans, trackingId, workspace: job.workspace }
}

interface Step extends Watched {
  readonly child: ChildProcess
  readonly files: Readonly<Record<(typeof FILES)[number], string>>
  readonly text: { stdout: string; stderr: string }
  readonly exit: Promise<unknown[]>
}

async function startStep(
  entry: 'main' | 'post',
  job: JobContext,
  state: Readonly<Record<string, string>> = {},
): Promise<Step> {
  const files = Object.fromEntries(
    FILES.map(name => [name, path.join(job.folder, `${entry}_${name}`)]),
  ) as Step['files']
  for (const file of Object.values(files)) await writeFile(file, '')
  const saved = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]))
  const child = spawn(process.execPath, [path.join(job.action, 'dist', entry, 'index.js')], {
    cwd: job.workspace,
    env: { ...job.env, ...saved, ...files },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // a process group of its own: what kills a group must not reach the tests
  })
  child.stdin?.end()
  const text = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', chunk => (text.stdout += chunk))
  child.stderr?.setEncoding('utf8').on('data', chunk => (text.stderr += chunk))
  const exit = once(child, 'exit')
  const seen = async (pattern: RegExp) => {
    const deadline = Date.now() + SEEN_WITHIN_MS
    while (!pattern.test(text.stdout)) {
      if (Date.now() > deadline) throw new Error(`${entry} does not say ${pattern}:\n${text.stdout}`)
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${entry} ended without ${pattern}:\n${text.stdout}\n${text.stderr}`)
      }
      await sleep(10)
    }
  }
  return { child, files, text, exit, pid: child.pid ?? 0, output: () => text.stdout, seen }
}

/** Pipes that a child of the step holds open delay its end by 5 s, no more. */
async function endOfStep(step: Step, job: JobContext): Promise<StepResult> {
  const closed = once(step.child, 'close')
  const [exitCode, signal] = (await step.exit) as [number | null, NodeJS.Signals | null]
  await Promise.race([closed, sleep(5000, undefined, { ref: false })])
  const { stdout, stderr } = step.text
  const { text, annotations, masks, state } = readStepLog(stdout, job.secrets)
  const read = async (name: (typeof FILES)[number]) => readFile(step.files[name], 'utf8')
  return {
    exitCode,
    signal,
    log: text,
    stdout,
    stderr,
    annotations,
    masks,
    outputs: readKeyValueFile(await read('GITHUB_OUTPUT')),
    state: { ...state, ...readKeyValueFile(await read('GITHUB_STATE')) },
    summary: await read('GITHUB_STEP_SUMMARY'),
  }
}

async function runPost(job: JobContext, state: Readonly<Record<string, string>>): Promise<StepResult> {
  return endOfStep(await startStep('post', job, state), job)
}

async function cancelStep(
  step: Step,
  { when, how, waits = LADDER_WAITS }: Cancel,
  sent: NodeJS.Signals[],
): Promise<void> {
  await when(step)
  if (how === 'not') return
  const send = (signal: NodeJS.Signals) => {
    sent.push(signal)
    step.child.kill(signal)
  }
  const ended = step.exit.then(() => true)
  const endsWithin = (ms: number) => Promise.race([ended, sleep(ms, false, { ref: false })])
  if (how === 'ladder') {
    send('SIGINT')
    if (await endsWithin(waits[0])) return
  }
  if (how === 'ladder' || how === 'term') {
    send('SIGTERM')
    if (await endsWithin(waits[1])) return
  }
  send('SIGKILL')
}
