/** `lmrun answer` alone, as a process that a test can kill; bundled by the test. */
import { answerCommand } from '../../../src/cli/answer.ts'
import { explain, InputError } from '../../../src/errors.ts'

try {
  await answerCommand().parseAsync(process.argv.slice(2), { from: 'user' })
} catch (error) {
  console.error(explain(error))
  process.exitCode = error instanceof InputError ? 2 : 1
}
