import { Command } from 'commander'
import { currentEnv } from '../env.ts'
import { benchNameOption, releaseOption, untilSignal } from './shared.ts'

interface Flags {
  readonly model?: string
  readonly modelDisplayName?: string
  readonly apiBase?: string
  readonly benchName?: string[]
  readonly livebenchReleaseOption?: string
  readonly questions?: string
  readonly dir?: string
  readonly parallel?: string
  readonly maxTokens?: string
  readonly retryFailures?: boolean
}

const EXAMPLES = `
Examples:
  lmrun answer --model qwen-coder --api-base http://127.0.0.1:8000/v1
  lmrun answer --model qwen-coder --api-base http://127.0.0.1:8000/v1 \\
    --bench-name live_bench/coding live_bench/math --questions ./livebench --parallel 16

Files: data/live_bench/<category>/<task>/model_answer/<name>.jsonl and answer-<name>.json.
A call that was stopped or killed goes on where it was when it is run again.
The key is taken from LIVEBENCH_API_KEY, else OPENAI_API_KEY, else it is EMPTY.
Exit code: 0 each question has an answer (errors included), 1 none could be answered or it was stopped, 2 bad input.`

export function answerCommand(): Command {
  return new Command('answer')
    .description('Ask a served model the questions and keep its answers in LiveBench’s files')
    .option('--model <name>', 'name of the model as the server lists it (required)')
    .option('--model-display-name <name>', 'name in the files and the report (default: --model)')
    .option('--api-base <url>', 'where the OpenAI API begins, usually …/v1 (required)')
    .addOption(benchNameOption())
    .addOption(releaseOption())
    .option(
      '--questions <source>',
      'smoke, or a folder with live_bench/ or data/live_bench/ (default: smoke)',
    )
    .option('--dir <folder>', 'folder that gets data/live_bench/ (default: the current one)')
    .option('--parallel <n>', 'requests at the same time (default: 4)')
    .option('--max-tokens <n>', 'longest answer (default: 4096)')
    .option('--retry-failures', 'ask again what ended in an error before')
    .addHelpText('after', EXAMPLES)
    .action(answer)
}

async function answer(flags: Flags): Promise<void> {
  const { answerOptions } = await import('../livebench/answer/options.ts')
  const { answerQuestions } = await import('../livebench/answer/answer.ts')
  const env = currentEnv()
  const options = answerOptions({
    model: flags.model,
    displayName: flags.modelDisplayName,
    apiBase: flags.apiBase,
    apiKey: env.LIVEBENCH_API_KEY || env.OPENAI_API_KEY,
    benchmarks: flags.benchName,
    release: flags.livebenchReleaseOption,
    questions: flags.questions,
    dir: flags.dir,
    parallel: flags.parallel,
    maxTokens: flags.maxTokens,
    retryFailures: flags.retryFailures,
  })
  await untilSignal(async signal => {
    await answerQuestions(options, { signal, log: line => console.log(line) })
  })
}
