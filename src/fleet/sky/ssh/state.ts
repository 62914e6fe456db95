import { constants } from 'node:os'
import { LmrunError } from '../../../errors.ts'
import type { JobState } from '../../fleet.ts'
import type { RemoteReply } from './connection.ts'

/**
 * What `stateScript` printed.
 * @throws LmrunError when there is no such job, or the VM says something else
 */
export function readState(vm: string, id: number, { stdout, stderr, exitCode }: RemoteReply): JobState {
  // What a shell of the VM prints at its start stands before it.
  const [word, code] = stdout.trimEnd().split('\n').at(-1)?.split(' ') ?? []
  switch (word) {
    case 'ended':
      return endedState(Number(code))
    case 'setup':
      return { status: 'FAILED_SETUP', exitCode: Number(code) }
    case 'dead':
      return { status: 'FAILED', exitCode: null }
    case 'running':
      return { status: 'RUNNING', exitCode: null }
    case 'settingUp':
      return { status: 'SETTING_UP', exitCode: null }
    case 'pending':
      return { status: 'PENDING', exitCode: null }
    case 'none':
      throw new LmrunError(`the VM ${vm} has no job ${id}`)
    default: {
      const said = stderr.trim().split('\n').at(-1) || stdout.trim() || `exit code ${exitCode}`
      throw new LmrunError(`${vm} did not say how its job ${id} stands: ${said}`)
    }
  }
}

/** A shell's exit code for a program that a signal ended is 128 + its number. */
function endedState(code: number): JobState {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0]
  if (signal !== undefined && code > 128) return { status: 'FAILED', exitCode: null, signal }
  return { status: code === 0 ? 'SUCCEEDED' : 'FAILED', exitCode: code }
}
