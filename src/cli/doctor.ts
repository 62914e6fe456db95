import { Command, Option } from 'commander'
import { FLAGS, kebab } from './bench.ts'

const EXAMPLES = `
Examples:
  lmrun doctor                     this machine, and the options of lmrun.yaml, if there is one
  lmrun doctor --models "qwen-coder: Qwen/Qwen2.5-Coder-32B-Instruct" --infra aws --accelerators L4:4
  lmrun doctor --json | jq '.checks[] | select(.status == "failed")'

Marks: ✓ fine · ! look at it · ✗ the run would be refused · ? cannot be known

Exit codes: 0 a run may start · 1 not · 2 bad input`

export function doctorCommand(): Command {
  const command = new Command('doctor').description(
    'Say, before anything costs money, whether a run can be had here and what it costs',
  )
  for (const [flag, help] of FLAGS) command.addOption(new Option(`--${flag}`, help))
  return command
    .option(
      '--config <file>',
      'YAML file of options; flags win over it (default: lmrun.yaml, if there is one)',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { config?: string; json?: true } & Record<string, string>) => {
      const { runDoctor } = await import('./run-doctor.ts')
      const { config, json, ...flags } = options
      process.exitCode = await runDoctor({
        flags: Object.fromEntries(Object.entries(flags).map(([name, value]) => [kebab(name), value])),
        ...(config === undefined ? {} : { config }),
        json: json === true,
      })
    })
}
