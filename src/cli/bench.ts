import { Command, Option } from 'commander'

/** Flags of `lmrun bench`: the options of action.yml; the token comes from the environment, never from argv. */
export const FLAGS = [
  ['models <yaml>', 'YAML map of model key to model: "qwen-coder: Qwen/Qwen2.5-Coder-32B-Instruct"'],
  [
    'benchmark <names>',
    'live_bench, live_bench/<category> or live_bench/<category>/<task>; several by spaces (default: live_bench)',
  ],
  [
    'questions <source>',
    '"smoke", or a folder with live_bench/<category>/<task>/question.jsonl (default: smoke)',
  ],
  ['release <date>', 'LiveBench release, like 2024-11-25'],
  ['parallel <n>', 'requests at a time to each model (default: 4)'],
  ['max-tokens <n>', 'limit of one reply (default: 64 for smoke questions, else 4096)'],
  [
    'infra <places>',
    'where the VMs run: local (default), or SkyPilot’s <cloud>[/<region>[/<zone>]], several by spaces',
  ],
  ['client-infra <places>', 'the same for the benchmark client (default: those of --infra)'],
  ['mesh <name>', 'off (default); auto: a mesh of the run’s own; or the VM name of a main node'],
  ['mesh-kubeconfig <path>', 'kubeconfig of a mesh that is up'],
  [
    'accelerators <gpus>',
    'GPUs of the model servers, like L4:4; alternatives by spaces (default: the template’s)',
  ],
  ['spot <yes>', 'true: spot VMs for the model servers; false: on demand (default: the template’s)'],
  ['disk-size <gb>', 'disk of the model servers (default: the template’s)'],
  ['max-hourly-cost <usd>', 'refuse to launch what costs more an hour, all VMs together'],
  ['reuse <yes>', 'true: keep the model servers warm, under the model key as name (default: false)'],
  ['retries <n>', 'launch a VM so often again after lack of capacity, preemption or loss (default: 2)'],
  ['aws-role <arn>', 'role for the workflow’s id-token'],
  ['gcp-workload-identity-provider <name>', 'provider for the workflow’s id-token'],
  ['gcp-service-account <address>', 'service account for the workflow’s id-token'],
  ['server-template <path>', 'SkyPilot YAML of the model servers'],
  ['client-template <path>', 'SkyPilot YAML of the benchmark client'],
  ['max-minutes <n>', 'end the run after this time (default: 60)'],
  ['lease-minutes <n>', 'a VM ends itself this long after its last renewal (default: 10)'],
  ['secrets <names>', 'names of environment variables that the VMs get'],
  ['comment <when>', 'comment on the pull request of a workflow run: auto (default), always or never'],
  ['comment-key <text>', 'tells several comments of one workflow apart'],
  ['output-directory <path>', 'folder of the report, results and answers (default: lmrun-out)'],
  ['allow-errors <n>', 'failed answers that a valid score may have (default: 0)'],
] as const

const EXAMPLES = `
Examples:
  lmrun bench --models "small: HuggingFaceTB/SmolLM2-135M-Instruct"
  lmrun bench --models "qwen-coder: Qwen/Qwen2.5-Coder-32B-Instruct" --benchmark live_bench/coding
  lmrun bench                      options from lmrun.yaml, if there is one

The token for --comment is read from GITHUB_TOKEN.

Exit codes: 0 every model has a valid score · 1 not, or the run failed · 2 bad input · 130 cancelled`

export function benchCommand(): Command {
  const command = new Command('bench').description(
    'Launch model servers, ask and grade them, report, and end everything',
  )
  for (const [flag, help] of FLAGS) command.addOption(new Option(`--${flag}`, help))
  return command
    .option(
      '--config <file>',
      'YAML file of options; flags win over it (default: lmrun.yaml, if there is one)',
    )
    .option('--json', 'print the results document on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { config?: string; json?: true } & Record<string, string>) => {
      const { runBench } = await import('./run-bench.ts')
      const { config, json, ...flags } = options
      process.exitCode = await runBench({
        flags: Object.fromEntries(Object.entries(flags).map(([name, value]) => [kebab(name), value])),
        ...(config === undefined ? {} : { config }),
        json: json === true,
      })
    })
}

/** commander gives flags in camelCase; options are named as in action.yml. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}
