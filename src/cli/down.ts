import { Command } from 'commander'
import { InputError, LmrunError } from '../errors.ts'

export function downCommand(): Command {
  return new Command('down')
    .description('End VMs and verify that they are gone')
    .argument('[names...]', 'VM names, as `lmrun ls` shows them')
    .option('--all', 'every VM that is up')
    .option('--run <id>', 'every VM of one run, by its `lmrun-run` label')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  lmrun down qwen-coder-k3x9a\n  lmrun down --all')
    .action(async (names: string[], options: { all?: true; run?: string; json?: true }) => {
      if (names.length === 0 && !options.all && options.run === undefined) {
        const allowed = 'Give VM names (see `lmrun ls`), --run <id> or --all'
        throw new InputError([{ where: 'lmrun down', what: 'nothing to end was named', allowed }])
      }
      await down(names, options)
    })
}

async function down(names: readonly string[], { all, run, json }: { all?: true; run?: string; json?: true }) {
  const { createFleet } = await import('../fleets.ts')
  const fleet = createFleet()
  const listed = (await fleet.list()).filter(
    vm => all || (run !== undefined && vm.labels['lmrun-run'] === run),
  )
  const results = await fleet.down([...new Set([...names, ...listed.map(vm => vm.name)])])
  if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
  else if (results.length === 0) process.stdout.write('No VM is up.\n')
  else
    for (const { name, verified } of results)
      process.stdout.write(`${name}: ${verified ? 'gone' : 'not gone'}\n`)
  const left = results.flatMap(result => (result.verified ? [] : [`${result.name}: ${result.reason}`]))
  if (left.length > 0) throw new LmrunError(`could not be ended: ${left.join('; ')}`)
}
