import { LmrunError } from '../../errors.ts'
import { NO_KEY, type RequestFailure } from './failure.ts'
import type { AnswerOptions } from './options.ts'

interface Facts {
  /** Questions that were answered in this session. */
  readonly succeeded: number
  /** Whether one was answered while this one failed. */
  readonly succeededMeanwhile: boolean
}

/** Whether a question's final failure means that all others would fail as well. */
export function concernsAll({ details }: RequestFailure, { succeeded, succeededMeanwhile }: Facts): boolean {
  // A gateway that has answered before may forbid one prompt; one that has not forbids the caller.
  if (details.status === 403) return succeeded === 0
  if (details.scope === 'every') return true
  return details.unreachable === true && !succeededMeanwhile
}

/** What to tell the user about a failure that concerns all questions. */
export function stopError(failure: RequestFailure, options: AnswerOptions): LmrunError {
  const { apiBase, model } = options
  const list = `curl ${apiBase}/models`
  const { status, unreachable } = failure.details
  if (status === 401) {
    const hint =
      options.apiKey === NO_KEY
        ? 'No key was given. Set LIVEBENCH_API_KEY (or OPENAI_API_KEY) to one that this server accepts.'
        : 'Set LIVEBENCH_API_KEY (or OPENAI_API_KEY) to a key that this server accepts.'
    return new LmrunError(`${apiBase} does not accept the key`, { cause: failure, hint })
  }
  if (status === 403) {
    const hint =
      'The key is known, but it may not use this model or this address. Ask whoever runs the server.'
    return new LmrunError(`${apiBase} forbids the use of "${model}"`, { cause: failure, hint })
  }
  if (status === 404) {
    const hint = `Compare --model with what "${list}" lists; --api-base ends where the API begins, usually in /v1.`
    return new LmrunError(`${apiBase} does not serve "${model}"`, { cause: failure, hint })
  }
  if (unreachable) {
    const hint = `Is the server still up? "${list}" must answer from this machine. Then run the same command again: it goes on.`
    return new LmrunError(`${apiBase} cannot be reached`, { cause: failure, hint })
  }
  const hint =
    'Check http against https in --api-base, and the certificate (NODE_EXTRA_CA_CERTS names your own authority).'
  return new LmrunError(`no secure connection to ${apiBase}`, { cause: failure, hint })
}

export function stopped({ done, total, cause }: { done: number; total: number; cause: unknown }): LmrunError {
  const hint = 'The answers so far are kept. Run the same command again: it goes on from there.'
  return new LmrunError(`stopped after ${done} of ${total} questions`, { cause, hint })
}
