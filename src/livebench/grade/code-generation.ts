import type { Question } from '../types.ts'
import { type GradeContext, GraderError } from './grader.ts'
import { wholeSolution } from './lcb.ts'
import { type Message, SandboxFailure, SandboxProcess } from './sandbox/process.ts'

/** Besides the time that the question expects: what LiveBench adds, and what two processes need to start. */
const EXTRA_SECONDS = 3
const START_SECONDS = 7
const CALL_MS = 6000

/**
 * code_generation: 1 when the question's unit tests pass. They run in one process, the answer's code in another;
 * between them go calls and values as text, through this process. The verdict comes from the tests' process alone.
 */
export async function gradeCodeGeneration(
  question: Question,
  answer: string,
  context: GradeContext,
): Promise<number> {
  const { sandbox, signal } = context
  const { tests, entry_point: entryPoint } = question
  if (tests === undefined || entryPoint === undefined)
    throw new GraderError('the question has no tests or entry_point')
  if (sandbox === null) throw new GraderError('python3 was not found')
  const code = wholeSolution(question, answer)
  if (code === '') return 0
  const { process: model } = await SandboxProcess.start(sandbox.command, 'model', signal)
  await using answering = model
  const names = await define(answering, code, signal)
  if (names === undefined) return 0
  const { process: check } = await SandboxProcess.start(sandbox.command, 'check', signal)
  await using checking = check
  const suite = { tests: `${imports(question)}\n${tests}`, names: [...new Set([entryPoint, ...names])] }
  return await runSuite(suite, { answering, checking, signal, seconds: question.expected_time ?? 0 })
}

/** The names that the code defines; undefined when it does not run. */
async function define(
  model: SandboxProcess,
  code: string,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  try {
    const loaded = await model.request({ do: 'load', code, starred: false }, CALL_MS, signal)
    if ('raised' in loaded) return undefined
    const { names } = await model.request({ do: 'define' }, CALL_MS, signal)
    return Array.isArray(names) ? names.filter(name => typeof name === 'string') : undefined
  } catch (error) {
    if (error instanceof SandboxFailure) return undefined
    throw error
  }
}

interface Suite {
  readonly answering: SandboxProcess
  readonly checking: SandboxProcess
  readonly signal: AbortSignal
  readonly seconds: number
}

/** Hands calls from the tests to the code and replies back, until there is a verdict. */
async function runSuite(suite: Message, { answering, checking, signal, seconds }: Suite): Promise<number> {
  const deadline = Date.now() + (seconds + EXTRA_SECONDS + START_SECONDS) * 1000
  let calls = 0
  try {
    let message = await checking.request(suite, deadline - Date.now(), signal)
    for (; 'name' in message; calls++) {
      const call = { do: 'literal', ...message }
      const reply = await answering.request(call, Math.min(CALL_MS, deadline - Date.now()), signal)
      message = await checking.request(asReply(reply), deadline - Date.now(), signal)
    }
    if (!('broken' in message)) return verdict(message)
    // Tests that break only after they called the code were broken by what it gave them.
    if (calls > 0) return 0
    throw new GraderError(`the question's tests do not run: ${message.broken}`)
  } catch (error) {
    // Also when the tests' process fails: they are known to run, so it was a value that it could not take.
    if (error instanceof SandboxFailure) return 0
    throw error
  }
}

/** Of what the code's process says, only texts go on. */
function asReply({ printed, raised, message, value, args }: Message): Message {
  if (typeof raised === 'string') return { printed: text(printed), raised, message: text(message) }
  return { printed: text(printed), value: text(value), args: text(args) }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function verdict({ verdict }: Message): number {
  const isVerdict =
    typeof verdict === 'object' && verdict !== null && 'run' in verdict && 'failures' in verdict
  if (!isVerdict) throw new GraderError('the tests ended without a verdict')
  if (verdict.run === 0) throw new GraderError("the question's tests have no test")
  return Array.isArray(verdict.failures) && verdict.failures.length === 0 ? 1 : 0
}

/** Tests lean on what the prompt imports, since LiveBench runs them below the answer. */
function imports({ code_prompt: prompt = '' }: Question): string {
  return prompt
    .split('\n')
    .filter(line => /^(import|from)\s/.test(line))
    .join('\n')
}
