import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { explain, InputError } from '../../errors.ts'
import { writeAtomically } from '../../files.ts'
import { failureKind, LaunchFailed } from '../failures.ts'
import type { LaunchRequest } from '../fleet.ts'
import { requestProblems } from '../task.ts'
import { launchArgs } from './argv.ts'
import type { Rendered, Renderer, SkyContext } from './context.ts'
import { endVms } from './down.ts'
import { failureClass } from './failure-class.ts'
import { hand } from './hand.ts'
import { maskWith } from './mask.ts'
import type { VmNote } from './notes.ts'
import { readOffers } from './offers.ts'
import { cleanLines, readJobId } from './output.ts'
import { LAUNCH_VARIABLE, secretsFile } from './render/remote-paths.ts'
import { assignments } from './ssh/quote.ts'
import type { SkyReply } from './types.ts'

/** What is kept of a failed launch. */
const LOG_LINES = 60
/** A cloud that is asked for longer has nothing to give, or SkyPilot hangs. */
const LAUNCH_MS = 60 * 60_000

/**
 * `sky launch`, detached: resolves when the job has a number and the secrets that its setup waits for. SkyPilot is told
 * none of them: it keeps what it is told.
 * @throws LaunchFailed with its class; what there is of the VM is still to be ended
 */
export async function launchVm(
  context: SkyContext,
  request: LaunchRequest,
  rendered: Rendered,
  signal: AbortSignal,
): Promise<void> {
  const { clock, notes } = context
  const { name, labels, leaseMinutes, resources } = request
  const note: VmNote = {
    labels,
    launchedAt: clock.now(),
    expiresAt: null,
    spot: resources.spot ?? false,
    jobId: null,
    offer: null,
  }
  await notes.put(name, note)
  const mark = randomBytes(4).toString('hex')
  const reply = await callLaunch(context, request, { ...rendered, mark }, signal)
  const jobId = readJobId(reply.stdout)
  if (reply.exitCode !== 0 || jobId === null) throw launchFailed(name, rendered, reply)
  const offer = readOffers(reply.stdout).find(({ chosen }) => chosen) ?? null
  await notes.put(name, {
    ...note,
    jobId,
    offer,
    spot: offer?.spot ?? note.spot,
    expiresAt: clock.now() + leaseMinutes * 60_000,
  })
  await handSecrets(context, name, { ...rendered, mark }, signal)
}

/** What a launch is, beside its VM: `mark` names it among launches into the same VM. */
type Launch = Rendered & { readonly mark: string }

async function handSecrets(
  context: SkyContext,
  name: string,
  { secrets, mark }: Launch,
  signal: AbortSignal,
): Promise<void> {
  if (Object.keys(secrets).length === 0) return
  try {
    const content = `${assignments(secrets)}\n`
    await hand(context, name, [{ path: secretsFile(mark), content }], signal)
  } catch (cause) {
    signal.throwIfAborted()
    throw new LaunchFailed(name, failureKind(cause) ?? 'network', {
      log: [`its secrets could not be handed over: ${explain(cause)}`],
      cause,
    })
  }
}

async function callLaunch(
  { cli, folder }: SkyContext,
  { name, leaseMinutes }: LaunchRequest,
  { yaml, secrets, config = [], mark }: Launch,
  signal: AbortSignal,
): Promise<SkyReply> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = path.join(folder, `${name}.yaml`)
  await writeAtomically(file, yaml, { mode: 0o600 })
  const envs = Object.keys(secrets).length > 0 ? [`${LAUNCH_VARIABLE}=${mark}`] : []
  const args = launchArgs({ name, file, leaseMinutes, envs, config })
  try {
    return await cli.run(args, { signal, group: `sky launch ${name}`, timeoutMs: LAUNCH_MS })
  } catch (cause) {
    signal.throwIfAborted()
    const kind = cause instanceof Error && cause.name === 'TimeoutError' ? 'network' : 'unknown'
    throw new LaunchFailed(name, kind, { log: [], cause })
  }
}

function launchFailed(name: string, { secrets }: Rendered, { stdout, stderr }: SkyReply): LaunchFailed {
  const mask = maskWith(Object.values(secrets))
  const log = cleanLines(`${stdout}\n${stderr}`).map(mask)
  const kind = failureClass(log.join('\n'))
  return new LaunchFailed(name, kind, { log: log.slice(-LOG_LINES), ...hintOf(kind) })
}

function hintOf(kind: string): { hint?: string } {
  const hints: Readonly<Record<string, string>> = {
    quota: 'Ask the cloud for quota, or give other accelerators or infra.',
    authentication: 'Look at `sky check` and `lmrun doctor`.',
    flag: 'The last lines of its log say what does not exist; `sky gpus list` says what does.',
    budget: 'Raise max-hourly-cost, or give cheaper accelerators or infra.',
  }
  const hint = hints[kind]
  return hint === undefined ? {} : { hint }
}

/** @throws InputError with the problems of the request and of its template at once */
export async function renderRequest(renderer: Renderer, request: LaunchRequest): Promise<Rendered> {
  const problems = requestProblems(request)
  try {
    const rendered = await renderer.render(request)
    if (problems.length === 0) return rendered
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const told = new Set(problems.map(({ where }) => where))
    problems.push(...error.problems.filter(({ where }) => !told.has(where)))
  }
  throw new InputError(problems)
}

/** Ends what there is of a VM, so that it can be launched anew. @throws LaunchFailed when it stays */
export async function clear(context: SkyContext, name: string, teardownMs: number): Promise<void> {
  const [result] = await endVms(context, [name], teardownMs)
  if (!result || result.verified) return
  const hint = `End it: ${result.command}`
  throw new LaunchFailed(name, 'unknown', {
    log: [`what there was of it is not gone: ${result.reason}`],
    hint,
  })
}
