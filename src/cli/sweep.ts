import { Command } from 'commander'
import { currentEnv } from '../env.ts'
import { InputError } from '../errors.ts'
import { untilSignal } from './shared.ts'

interface Flags {
  readonly sources?: string[]
  readonly awsRegions?: string[]
  readonly gcpProject?: string
  readonly kubeconfig?: string
  readonly repository?: string
  readonly dryRun?: true
  readonly json?: true
}

const NOTES = `
Examples:
  lmrun sweep --sources aws gcp --dry-run
  lmrun sweep --sources sky --repository acme/widgets

With a repository, VMs of its workflow runs; GITHUB_TOKEN (actions: read) says which runs are over.
Without one, VMs that lmrun bench launched outside of workflows, once their expiry has passed.
The clouds’ own credentials are taken from the environment, as their command lines take them.
Exit code: 0 all that was to be ended is gone, 1 not all, or not all could be looked at, 2 bad input.`

export function sweepCommand(): Command {
  return new Command('sweep')
    .description('End the VMs that dead runs left')
    .option('--sources <names...>', 'where to look: aws, gcp, sky (the API server that `sky` talks to)')
    .option('--aws-regions <names...>', 'only these regions (default: all that the account has enabled)')
    .option('--gcp-project <id>', 'default: the project of the credentials')
    .option('--kubeconfig <path>', 'also Nodes of the mesh there')
    .option(
      '--repository <owner/name>',
      'whose VMs (default: GITHUB_REPOSITORY, else those of no repository)',
    )
    .option('--dry-run', 'only show what would be ended')
    .option('--json', 'print JSON')
    .addHelpText('after', NOTES)
    .action(sweep)
}

async function sweep(flags: Flags): Promise<void> {
  const { parseSweepOptions } = await import('../sweep/options.ts')
  const { assertSwept, runSweep } = await import('../sweep/action.ts')
  const { terminalTable } = await import('../sweep/table.ts')
  const env = currentEnv()
  const inputs = parseSweepOptions(
    {
      sources: flags.sources?.join(' '),
      'aws-regions': flags.awsRegions?.join(' '),
      'gcp-project': flags.gcpProject,
      kubeconfig: flags.kubeconfig,
      'dry-run': flags.dryRun,
    },
    name => `--${name}`,
  )
  const repository = repositoryOf(flags.repository ?? env.GITHUB_REPOSITORY)
  const log = (line: string) => process.stderr.write(`${line}\n`)
  const report = await untilSignal(signal =>
    runSweep({ inputs, repository, githubToken: env.GITHUB_TOKEN ?? '', env, signal, log, warn: log }),
  )
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : terminalTable(report))
  assertSwept(report)
}

function repositoryOf(given: string | undefined): string | null {
  if (!given) return null
  if (/^[\w.-]+\/[\w.-]+$/.test(given)) return given
  const what = `"${given}" is not allowed`
  throw new InputError([{ where: '--repository', what, allowed: 'Give owner/name, like acme/widgets' }])
}
