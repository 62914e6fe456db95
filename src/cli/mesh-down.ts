import { Command } from 'commander'
import { systemClock } from '../clock.ts'
import { LmrunError } from '../errors.ts'
import { untilSignal } from './shared.ts'

const NOTES = `
Examples:
  lmrun mesh down
  lmrun mesh down ours --yes

Exit codes: 0 main is gone · 1 not: VMs are still in its mesh, or it was not seen to go · 2 bad input · 130 cancelled`

export function meshDownCommand(): Command {
  return new Command('down')
    .description('End a main node, after telling which VMs are still in its mesh')
    .argument('[name]', 'VM name of main', 'main')
    .option('--yes', 'also when VMs are in its mesh, or nobody can tell')
    .addHelpText('after', NOTES)
    .action(down)
}

async function down(name: string, { yes }: { readonly yes?: true }): Promise<void> {
  const [{ meshDown }, { reachable }, { createFleet }] = await Promise.all([
    import('../mesh-down.ts'),
    import('../mesh-main.ts'),
    import('../fleets.ts'),
  ])
  const fleet = createFleet('sky')
  const log = (line: string) => void process.stderr.write(`${line}\n`)
  const deps = { fleet: reachable(fleet), clock: systemClock, log }
  try {
    const result = await untilSignal(signal => meshDown(name, { sure: yes === true }, { ...deps, signal }))
    process.stdout.write(`${name}: ${result.verified ? 'gone' : 'not gone'}\n`)
    if (!result.verified)
      throw new LmrunError(`${name} may still be running: ${result.reason}`, {
        hint: `End it: ${result.command}`,
      })
  } finally {
    await fleet.close()
  }
}
