#!/usr/bin/env node
/** The `lmrun` command: wiring only. Each command loads its work when it is run, so that the others stay quick. */
import { Command } from 'commander'
import { answerCommand } from './cli/answer.ts'
import { benchCommand } from './cli/bench.ts'
import { doctorCommand } from './cli/doctor.ts'
import { downCommand } from './cli/down.ts'
import { gradeCommand } from './cli/grade.ts'
import { lsCommand } from './cli/ls.ts'
import { meshCommand } from './cli/mesh.ts'
import { reportCommand } from './cli/report.ts'
import { scoreCommand } from './cli/score.ts'
import { Cancelled } from './cli/shared.ts'
import { sweepCommand } from './cli/sweep.ts'
import { templateCommand } from './cli/template.ts'
import { packageVersion } from './env.ts'
import { explain, InputError } from './errors.ts'

const program = new Command('lmrun')
  .description('Launch model servers, run LiveBench against them, report, and leave nothing running.')
  .version(packageVersion())
  .addCommand(benchCommand())
  .addCommand(answerCommand())
  .addCommand(gradeCommand())
  .addCommand(scoreCommand())
  .addCommand(reportCommand())
  .addCommand(doctorCommand())
  .addCommand(templateCommand())
  .addCommand(downCommand())
  .addCommand(lsCommand())
  .addCommand(meshCommand())
  .addCommand(sweepCommand())
  .addHelpText(
    'after',
    '\nExit codes: 0 done · 1 failed (bench: also when a score is invalid) · 2 bad input · 130 cancelled',
  )

// Wrong flags are bad input like any other: commander's own exit code is 1.
for (const command of withSubcommands(program))
  command.exitOverride(error => process.exit(error.exitCode && 2))

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`lmrun: ${explain(error)}\n`)
  process.exitCode = error instanceof InputError ? 2 : error instanceof Cancelled ? 130 : 1
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)]
}
