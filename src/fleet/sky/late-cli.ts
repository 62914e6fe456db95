import { LmrunError } from '../../errors.ts'
import { endRecorded, type ProcessTable, THIS_MACHINE } from './process-groups.ts'
import type { SkyCli } from './types.ts'

/**
 * `sky`, as soon as it is found. Nothing of a dead run asks on while this one does: the calls that one recorded and
 * left are ended before the first of ours, since a launch among them would undo the end of its VM.
 * @param records folder of the recorded calls
 */
export function lateCli(
  find: (signal: AbortSignal) => Promise<SkyCli>,
  records: string,
  table: ProcessTable = THIS_MACHINE,
): SkyCli {
  const over = new AbortController()
  const made = Promise.all([
    find(over.signal),
    endRecorded(records, { of: 'the dead', table }).catch(() => 0),
  ])
  // Whoever calls hears of it.
  made.catch(() => {})
  return {
    ready: async () => {
      await made
    },
    run: async (args, call) => {
      const [cli] = await made
      return cli.run(args, call)
    },
    endAll: async () => {
      over.abort(new LmrunError('the run is over'))
      const [cli] = await made.catch(() => [null])
      await cli?.endAll()
    },
  }
}
