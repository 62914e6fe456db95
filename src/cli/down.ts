import { Command } from 'commander'
import { InputError, LmrunError } from '../errors.ts'
import type { DownResult, Fleet, FleetKind } from '../fleet/fleet.ts'
import { LABEL } from '../labels.ts'
import { fleetOption } from './shared.ts'

export function downCommand(): Command {
  return new Command('down')
    .description('End VMs and verify that they are gone')
    .argument('[names...]', 'VM names, as `lmrun ls` shows them')
    .option('--all', 'every VM that lmrun launched')
    .option('--run <id>', 'every VM of one run, by its `lmrun-run` label')
    .addOption(fleetOption())
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  lmrun down qwen-coder-k3x9a\n  lmrun down --all')
    .action(async (names: string[], options: DownOptions) => {
      if (names.length === 0 && !options.all && options.run === undefined) {
        const allowed = 'Give VM names (see `lmrun ls`), --run <id> or --all'
        throw new InputError([{ where: 'lmrun down', what: 'nothing to end was named', allowed }])
      }
      await down(names, options)
    })
}

interface DownOptions {
  readonly all?: true
  readonly run?: string
  readonly json?: true
  readonly fleet: FleetKind
}

async function down(names: readonly string[], options: DownOptions) {
  const { createFleet } = await import('../fleets.ts')
  const fleet = createFleet(options.fleet)
  try {
    const all = [...new Set([...names, ...(await chosen(fleet, options))])]
    report(await fleet.down(all), options)
  } finally {
    await fleet.close()
  }
}

/** SkyPilot knows VMs that are none of ours; those have none of our labels. */
async function chosen(fleet: Fleet, { all, run }: DownOptions): Promise<readonly string[]> {
  if (!all && run === undefined) return []
  const ours = (await fleet.list()).filter(vm => vm.labels[LABEL.run] !== undefined || fleet.kind === 'local')
  return ours.filter(vm => all || vm.labels[LABEL.run] === run).map(vm => vm.name)
}

function report(results: readonly DownResult[], { json }: DownOptions): void {
  if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
  else if (results.length === 0) process.stdout.write('No VM is up.\n')
  else
    for (const { name, verified } of results)
      process.stdout.write(`${name}: ${verified ? 'gone' : 'not gone'}\n`)
  const left = results.flatMap(result =>
    result.verified ? [] : [`${result.name}: ${result.reason} (end it: ${result.command})`],
  )
  if (left.length > 0) throw new LmrunError(`could not be ended: ${left.join('; ')}`)
}
