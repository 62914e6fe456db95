/** The action's main step: wiring only. The rest is loaded after the first line, so that the log starts at once. */
import { Cancellation } from './cancel.ts'

process.stdout.write('lmrun: launch, wait, ask, grade, report, tear down\n')

const cancelled = new Cancellation()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => cancelled.by(signal))

const [core, { runAction }, { explain }] = await Promise.all([
  import('@actions/core'),
  import('./action.ts'),
  import('./errors.ts'),
])
try {
  await runAction(cancelled)
} catch (error) {
  core.setFailed(explain(error))
}
// A request that was given up may still hold the process; nothing that matters is left to do.
process.exit()
