import { Command, Option } from 'commander'
import { currentEnv } from '../env.ts'
import { InputError } from '../errors.ts'
import { FLAGS, kebab } from './bench.ts'

const ROLES = ['main', 'client', 'server'] as const
type Role = (typeof ROLES)[number]

interface Flags {
  readonly flags: Readonly<Record<string, string>>
  readonly config?: string
}

const EXAMPLE = `
Example:
  lmrun template show server --models "a: org/model" --infra aws --accelerators L4:4`

export function templateCommand(): Command {
  const show = new Command('show')
    .description('Print what SkyPilot would get for each VM of a run; nothing is written or launched')
    .argument('[role]', 'main, client or server (default: all)')
  for (const [flag, help] of FLAGS) show.addOption(new Option(`--${flag}`, help))
  show
    .option(
      '--config <file>',
      'YAML file of options; flags win over it (default: lmrun.yaml, if there is one)',
    )
    .addHelpText('after', EXAMPLE)
    .action(async (role: string | undefined, options: { config?: string } & Record<string, string>) => {
      const { config, ...flags } = options
      const text = await showTemplates(checkRole(role), {
        flags: Object.fromEntries(Object.entries(flags).map(([name, value]) => [kebab(name), value])),
        ...(config === undefined ? {} : { config }),
      })
      process.stdout.write(text)
    })
  return new Command('template').description('Look at templates').addCommand(show)
}

function checkRole(role: string | undefined): Role | undefined {
  if (role === undefined) return role
  const known = ROLES.find(one => one === role)
  if (known) return known
  const allowed = `Give ${ROLES.join(', ')}, or nothing for all`
  throw new InputError([{ where: 'lmrun template show', what: `"${role}"`, allowed }])
}

/** One YAML document a VM, headed by its name and by what `sky launch` gets beside it. */
async function showTemplates(role: Role | undefined, cli: Flags): Promise<string> {
  const { loadCliInputs } = await import('../inputs.ts')
  const { fleetKind } = await import('../options.ts')
  const { createPlan } = await import('../plan.ts')
  const { createRun } = await import('../run.ts')
  const { skyRenderer } = await import('../fleet/sky/render/render.ts')
  const env = currentEnv()
  const { options, secrets } = await loadCliInputs({ ...cli, cwd: process.cwd() }, env)
  if (fleetKind(options) === 'local') {
    const allowed = 'Give --infra, like aws: on this machine a template runs as it stands'
    throw new InputError([{ where: '--infra', what: 'local renders nothing', allowed }])
  }
  const plan = createPlan(options, { secrets, run: createRun(env), now: Date.now() })
  const requests = {
    main: plan.mesh.kind === 'main' ? [plan.mesh.main] : [],
    client: [plan.client],
    server: plan.models.map(({ server }) => server),
  }
  const documents = await Promise.all(
    (role === undefined ? ROLES.flatMap(one => requests[one]) : requests[role]).map(async request => {
      const { yaml, secrets: handed, config } = await skyRenderer.render(request)
      const beside = config.map(item => `--config ${item}`)
      const names = Object.keys(handed)
      const later = names.length === 0 ? '' : `; handed over ssh: ${names.join(', ')}`
      return `# ${[request.name, ...beside].join(' ')}${later}\n${yaml}`
    }),
  )
  return documents.join('---\n')
}
