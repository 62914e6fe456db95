/**
 * Errors as a user reads them: what failed, the likely cause, the next command.
 * Every error that we throw on purpose is one of these; anything else is a bug and keeps its stack.
 */
export interface ErrorDetails {
  /** The error that led to this one; never lost. */
  readonly cause?: unknown
  /** What to do next, as a sentence or a command. */
  readonly hint?: string
}

/** Something failed while running (exit code 1). */
export class LmrunError extends Error {
  override readonly name: string = 'LmrunError'
  readonly hint: string | undefined

  constructor(message: string, { cause, hint }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.hint = hint
  }
}

/** One thing wrong with what the user gave us. */
export interface Problem {
  /** Where: an input (`models`), a flag (`--release`) or a place in a file (`model-server.yaml:12:3`). */
  readonly where: string
  /** What is wrong, with the offending value. */
  readonly what: string
  /** What is allowed, and what to do about it. */
  readonly allowed: string
}

/** Bad input (exit code 2): every problem found at once, before anything is launched or written. */
export class InputError extends LmrunError {
  override readonly name = 'InputError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], details: ErrorDetails = {}) {
    super(problems.map(formatProblem).join('\n'), details)
    this.problems = problems
  }
}

export function formatProblem({ where, what, allowed }: Problem): string {
  return `${where}: ${what}. ${allowed}`
}

/** The message of anything thrown, with its hint and the messages of its causes: one text for logs and reports. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const hint = error instanceof LmrunError && error.hint ? `\n${error.hint}` : ''
  const cause = error.cause === undefined ? '' : `\ncaused by: ${explain(error.cause)}`
  return `${error.message}${hint}${cause}`
}

/** True for what an AbortSignal throws, and for errors caused by one. */
export function isAbort(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'AbortError' || error.name === 'TimeoutError' || isAbort(error.cause)
}
