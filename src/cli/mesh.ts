import { Command } from 'commander'
import { meshPlanCommand } from './mesh-plan.ts'

/** The group `lmrun mesh`. Each of its commands loads its work when it is run. */
export function meshCommand(): Command {
  return new Command('mesh')
    .description('The mesh: any VM joins, any port becomes a service by name')
    .addCommand(meshPlanCommand())
}
