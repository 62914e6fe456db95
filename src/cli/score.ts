import { Command } from 'commander'
import { InputError } from '../errors.ts'
import { releaseOption } from './shared.ts'

interface Flags {
  readonly json?: boolean
  readonly livebenchReleaseOption?: string
  readonly benchmark?: string[]
  readonly allowErrors: string
  readonly model?: string[]
}

const EXAMPLES = `
Examples:
  lmrun score .
  lmrun score lmrun-out --json
  lmrun score . --benchmark live_bench/coding live_bench/math --release 2024-11-25
  lmrun score . --model qwen-coder sky-t1 --allow-errors 2

A score is LiveBench's own arithmetic over what is there. It is INVALID when a question is missing, a grader failed,
or more answers are errors than --allow-errors: the reasons stand below the table, and in the JSON.
Exit code: 0 scored, also when a score is invalid, 2 bad input.`

export function scoreCommand(): Command {
  return new Command('score')
    .description('Compute scores from LiveBench’s files, and say whether they are whole')
    .argument('<dir>', 'the folder that holds data/live_bench or live_bench')
    .option('--json', 'print the document lmrun.scores/v1, unrounded')
    .addOption(releaseOption())
    .option('--benchmark <names...>', 'live_bench/<category> or live_bench/<category>/<task> (default: all)')
    .option('--allow-errors <n>', 'answers of a model that may be errors', '0')
    .option('--model <names...>', 'only these models (default: all that are there)')
    .addHelpText('after', EXAMPLES)
    .action(score)
}

async function score(dir: string, flags: Flags): Promise<void> {
  const allowedErrors = wholeNumber('--allow-errors', flags.allowErrors)
  const { readScores } = await import('../livebench/scores.ts')
  const { livebenchReleaseOption: release, benchmark: benchmarks, model: models } = flags
  const { scores, warnings } = await readScores(dir, {
    allowedErrors,
    ...(release === undefined ? {} : { release }),
    ...(benchmarks === undefined ? {} : { benchmarks }),
    ...(models === undefined ? {} : { models }),
  })
  for (const warning of warnings) process.stderr.write(`lmrun: warning: ${warning}\n`)
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(scores, null, 2)}\n`)
  } else {
    const { scoreTable } = await import('../livebench/table.ts')
    process.stdout.write(scoreTable(scores))
  }
}

function wholeNumber(where: string, value: string): number {
  if (/^\d+$/.test(value)) return Number(value)
  throw new InputError([{ where, what: `"${value}" is not a whole number`, allowed: 'Give 0 or more' }])
}
