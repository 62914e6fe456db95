import { InputError } from '../errors.ts'
import { readAgentOptions, readServerOptions, USAGE } from './options.ts'
import type { System } from './system.ts'
import type { Host } from './types.ts'

const COMMANDS = ['server', 'agent', 'run-agent', 'run-main', 'status', 'leave'] as const

/**
 * One command of a VM's `node dist/node/index.js`. Each loads its work when it is run: the agent's unit is small.
 * @throws InputError, LmrunError
 */
export async function runCommand(system: System, [command = '', ...args]: readonly string[]): Promise<void> {
  if (command === '--help' || args.includes('--help')) return system.log(USAGE)
  switch (command) {
    case 'server': {
      const options = readServerOptions(args)
      const { runServerCommand } = await import('./server.ts')
      return runServerCommand(system, options, await host(system))
    }
    case 'agent': {
      const options = readAgentOptions(args)
      const { runAgentCommand } = await import('./agent.ts')
      return runAgentCommand(system, options, await host(system))
    }
    case 'run-agent':
    case 'run-main': {
      const units = await import('./unit-commands.ts')
      return command === 'run-agent' ? units.runAgentUnit(system) : units.runMainUnit(system)
    }
    case 'status': {
      const { runStatusCommand } = await import('./status.ts')
      return runStatusCommand(system)
    }
    case 'leave': {
      const { runLeaveCommand } = await import('./leave.ts')
      return runLeaveCommand(system, await host(system))
    }
    default: {
      const what = command === '' ? 'is missing' : `there is no ${command}`
      throw new InputError([{ where: 'command', what, allowed: `There are ${COMMANDS.join(', ')}.` }])
    }
  }
}

async function host(system: System): Promise<Host> {
  const { createHost } = await import('./host/host.ts')
  return createHost(system)
}
