import { Command } from 'commander'
import { meshDownCommand } from './mesh-down.ts'
import { meshPlanCommand } from './mesh-plan.ts'
import { meshStatusCommand } from './mesh-status.ts'
import { meshUpCommand } from './mesh-up.ts'

/** The group `lmrun mesh`. Each of its commands loads its work when it is run. */
export function meshCommand(): Command {
  return new Command('mesh')
    .description('The mesh: any VM joins, any port becomes a service by name')
    .addCommand(meshPlanCommand())
    .addCommand(meshUpCommand())
    .addCommand(meshStatusCommand())
    .addCommand(meshDownCommand())
}
