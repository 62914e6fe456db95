import { expect, it } from 'vitest'
import { LmrunError } from '../src/errors.ts'
import { LaunchFailed } from '../src/fleet/failures.ts'
import { JobFailed } from '../src/jobs.ts'
import { toFailure } from '../src/results.ts'

const job = new JobFailed('main failed in its setup (exit code 1)', ['no K3s for this machine'], {
  cause: 'a download failed',
  hint: 'Try again.',
})

it('has the log and the cause of what failed, also when that is told as the cause of something else', () => {
  const told = { cause: 'a download failed', log: ['no K3s for this machine'] }
  expect(toFailure(job)).toMatchObject(told)
  const wrapped = new LmrunError('there is no main node for the mesh', { cause: job })
  expect(toFailure(wrapped)).toEqual({ what: 'there is no main node for the mesh', ...told })
  const launch = new LaunchFailed('vm', 'capacity', { log: ['no capacity'] })
  expect(toFailure(new Error('outer', { cause: launch }))).toEqual({ what: 'outer', log: ['no capacity'] })
})

it('has no log where there is none', () => {
  expect(toFailure(new LmrunError('it broke', { hint: 'Mend it.' }))).toEqual({
    what: 'it broke',
    hint: 'Mend it.',
  })
})
