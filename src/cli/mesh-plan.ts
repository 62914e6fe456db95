import { Command, Option } from 'commander'
import { currentEnv } from '../env.ts'
import type { PlanFlags } from '../mesh/topology/given.ts'
import type { MeshPlan } from '../mesh/topology/schema.ts'

const FORMATS = ['table', 'mermaid', 'json'] as const
type Format = (typeof FORMATS)[number]

const NOTES = `
Examples:
  lmrun mesh plan --main us-east-1 --region aws:eu-west-1 --region lambda:us-west-1
  lmrun mesh plan mesh.yaml --format mermaid
  lmrun mesh plan mesh.yaml --connect client,qwen-coder --format json | jq .connections

Nothing is asked of a cloud, and nothing is made there.
The main region, if neither --main nor the file says it: AWS_DEFAULT_REGION, of the environment or of .env here.
Exit codes: 0 planned · 2 bad input, or a connection that this network cannot have`

export function meshPlanCommand(): Command {
  const several = (name: string, help: string) =>
    new Option(name, `${help}; may be repeated`).argParser((value: string, before: string[] = []) => [
      ...before,
      value,
    ])
  return new Command('plan')
    .description('Plan the network of a mesh: ranges, peerings, routes, security groups, who reaches whom')
    .argument('[file]', 'YAML or JSON: main, regions, vms, connect, taken, ssh-from')
    .option('--main <region>', 'main region, like us-east-1')
    .addOption(
      several('--region <cloud:region>', 'a region of the mesh, like aws:eu-west-1 or lambda:us-west-1'),
    )
    .addOption(several('--public <aws:region>', 'keep this region off the private network'))
    .addOption(several('--connect <a,b>', 'two regions or VMs that must reach each other'))
    .addOption(several('--taken <cidr>', 'a range that is in use elsewhere'))
    .addOption(several('--ssh-from <cidr>', 'who may use ssh (default: everybody, by key)'))
    .addOption(
      new Option('--format <format>', 'what to print').choices(FORMATS).default('table' satisfies Format),
    )
    .addHelpText('after', NOTES)
    .action(async (file: string | undefined, { format, ...flags }: PlanFlags & { format: Format }) => {
      const [{ loadGiven }, { planMesh }] = await Promise.all([
        import('./mesh-plan-input.ts'),
        import('../mesh/topology/plan.ts'),
      ])
      const given = await loadGiven({ flags, file: file ?? null, cwd: process.cwd() }, currentEnv())
      process.stdout.write(await render(planMesh(given), format))
    })
}

async function render(plan: MeshPlan, format: Format): Promise<string> {
  if (format === 'json') return `${JSON.stringify(plan, null, 2)}\n`
  if (format === 'mermaid') return (await import('../mesh/topology/mermaid.ts')).planMermaid(plan)
  return (await import('../mesh/topology/table.ts')).planTable(plan)
}
