import { Command } from 'commander'
import { columns } from '../columns.ts'
import type { FleetKind } from '../fleet/fleet.ts'
import { LABEL } from '../labels.ts'
import { fleetOption } from './shared.ts'

export function lsCommand(): Command {
  return new Command('ls')
    .description('List the VMs that are up, and when their leases end')
    .addOption(fleetOption())
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  lmrun ls --json | jq -r ".[].name"')
    .action(async ({ json, fleet: kind }: { json?: true; fleet: FleetKind }) => {
      const { createFleet } = await import('../fleets.ts')
      const fleet = createFleet(kind)
      try {
        const vms = await fleet.list()
        process.stdout.write(json ? `${JSON.stringify(vms, null, 2)}\n` : table(vms))
      } finally {
        await fleet.close()
      }
    })
}

interface Row {
  readonly name: string
  readonly status: string
  readonly labels: Readonly<Record<string, string>>
  readonly launchedAt: number
  readonly expiresAt: number | null
}

function table(vms: readonly Row[]): string {
  if (vms.length === 0) return 'No VM is up.\n'
  const rows = vms.map(vm => [
    vm.name,
    vm.status,
    vm.labels[LABEL.role] ?? '',
    vm.labels[LABEL.run] ?? '',
    `${minutes(Date.now() - vm.launchedAt)} ago`,
    vm.expiresAt === null ? 'unknown' : `in ${minutes(vm.expiresAt - Date.now())}`,
  ])
  return columns([['NAME', 'STATUS', 'ROLE', 'RUN', 'LAUNCHED', 'LEASE ENDS'], ...rows])
}

function minutes(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.round(ms / 1000))} s` : `${Math.round(ms / 60_000)} min`
}
