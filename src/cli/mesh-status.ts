import { Command, Option } from 'commander'
import { systemClock } from '../clock.ts'
import { InputError } from '../errors.ts'
import type { MeshConnection } from '../mesh/connection.ts'
import { untilSignal } from './shared.ts'

const FORMATS = ['table', 'mermaid', 'json'] as const

interface Flags {
  readonly kubeconfig?: string
  readonly main?: string
  readonly format: (typeof FORMATS)[number]
}

const NOTES = `
Examples:
  lmrun mesh status
  lmrun mesh status --kubeconfig ~/.kube/mesh --format mermaid
  lmrun mesh status --main ours --format json | jq '.services[] | select(.ready == [])'

Main is asked through ssh as SkyPilot knows it; with a kubeconfig its API server is asked from here.
Exit codes: 0 told · 1 it could not be asked, or is no mesh · 2 bad input`

export function meshStatusCommand(): Command {
  return new Command('status')
    .description('Show who is in a mesh: nodes, places, addresses, services, readiness')
    .option('--main <name>', 'VM name of its main (default: main)')
    .option('--kubeconfig <path>', 'kubeconfig of the mesh, in place of ssh to its main')
    .addOption(
      new Option('--format <format>', 'what to print')
        .choices(FORMATS)
        .default('table' satisfies Flags['format']),
    )
    .addHelpText('after', NOTES)
    .action(status)
}

async function status({ kubeconfig, main, format }: Flags): Promise<void> {
  if (kubeconfig !== undefined && main !== undefined) {
    const where = '--main --kubeconfig'
    throw new InputError([{ where, what: 'one mesh can be asked', allowed: 'Give one of them' }])
  }
  const [{ readStatus }, view] = await Promise.all([
    import('../mesh/read-status.ts'),
    import('./mesh-status-view.ts'),
  ])
  const found = await untilSignal(async signal => {
    await using opened = new AsyncDisposableStack()
    const connection =
      kubeconfig === undefined ? await throughMain(main ?? 'main', opened, signal) : await byFile(kubeconfig)
    // Awaited here: the tunnel goes with this function.
    return await readStatus(connection, { clock: systemClock, signal })
  })
  const renderers = {
    table: view.statusTable,
    mermaid: view.statusMermaid,
    json: (value: typeof found) => `${JSON.stringify(value, null, 2)}\n`,
  }
  process.stdout.write(renderers[format](found))
}

async function byFile(file: string): Promise<MeshConnection> {
  const [{ connectMesh }, { readKubeconfig }] = await Promise.all([
    import('../mesh/connection.ts'),
    import('../kubeconfig.ts'),
  ])
  return connectMesh(await readKubeconfig(file, '--kubeconfig'))
}

async function throughMain(
  name: string,
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<MeshConnection> {
  const [{ createFleet }, { connectMain, reachable }] = await Promise.all([
    import('../fleets.ts'),
    import('../mesh-main.ts'),
  ])
  const fleet = createFleet('sky')
  opened.defer(() => fleet.close())
  return connectMain(reachable(fleet), { name, signal, tunnels: opened })
}
