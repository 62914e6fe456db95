/** The action's post step, which always runs: wiring only. */
import * as core from '@actions/core'
import { cleanUp } from './clean-up.ts'
import { explain } from './errors.ts'

try {
  await cleanUp()
} catch (error) {
  core.setFailed(explain(error))
}
process.exit()
