import { Command } from 'commander'
import { systemClock } from '../clock.ts'
import { currentEnv } from '../env.ts'
import type { VmPrice } from '../fleet/fleet.ts'
import type { MainUp, UpFlags } from '../mesh-up.ts'
import { dollars } from '../report/numbers.ts'
import { untilSignal } from './shared.ts'

const NOTES = `
Examples:
  lmrun mesh up --infra aws/us-east-1
  lmrun mesh up ours --infra lambda/us-west-1 --lease-minutes 10080

Main costs money until its lease ends, used or not; what an hour of it costs is told before and after its launch.
Again for a main that is up: its lease begins anew, and nothing else changes.
Exit codes: 0 VMs can join · 1 not, and what was launched is ended · 2 bad input · 130 cancelled, and the same`

export function meshUpCommand(): Command {
  return new Command('up')
    .description('Launch a main node that stays, for runs and VMs to share')
    .argument('[name]', 'VM name of main, and of the mesh', 'main')
    .option(
      '--infra <places>',
      'where: <cloud>[/<region>], several by spaces (default: aws/$AWS_DEFAULT_REGION)',
    )
    .option(
      '--lease-minutes <n>',
      'main ends itself after so long: a day, if nothing is said; a year, at most',
      '1440',
    )
    .addHelpText('after', NOTES)
    .action(async (name: string, flags: Omit<UpFlags, 'name'>) => up({ name, ...flags }))
}

async function up(flags: UpFlags): Promise<void> {
  const [{ mainRequest, meshUp }, { createFleet }, { createRun }] = await Promise.all([
    import('../mesh-up.ts'),
    import('../fleets.ts'),
    import('../run.ts'),
  ])
  const env = currentEnv()
  const request = mainRequest(flags, { env, run: createRun(env), now: systemClock.now() })
  const fleet = createFleet('sky', { env, infra: request.resources.infra })
  const log = (line: string) => void process.stderr.write(`${line}\n`)
  try {
    const main = await untilSignal(signal => meshUp(request, { fleet, clock: systemClock, signal, log }))
    process.stdout.write(nextSteps(flags.name, main, systemClock.now()))
  } finally {
    await fleet.close()
  }
}

/** What is there now, what it costs, and what can be done with it. Pure. @param now Unix milliseconds */
export function nextSteps(name: string, { main, expiresAt, price }: MainUp, now: number): string {
  const { cloud, region, publicIp, privateIp } = main
  const place = [cloud, region, publicIp ?? privateIp].filter(Boolean).join(', ')
  const until = expiresAt === null ? null : new Date(expiresAt).toISOString().slice(0, 16).replace('T', ' ')
  const named = name === 'main' ? '' : ` ${name}`
  return [
    `${name} is up (${place}): VMs can join.`,
    `It costs ${price === null ? 'what its cloud says' : cost(price, expiresAt, now)}.`,
    until === null
      ? 'It has no lease: it stays, and costs, until it is ended.'
      : `It ends itself at ${until} UTC, used or not; once more the same command: the lease begins anew.`,
    '',
    `Benchmarks in it:  lmrun bench --mesh ${name} …, or mesh: ${name} in the workflow`,
    'VMs by hand:       sky launch -c qwen-coder model-server.yaml, in templates/; AWS hands them the token',
    `Who is in it:      lmrun mesh status${named && ` --main${named}`}`,
    `End it:            lmrun mesh down${named}`,
    '',
  ].join('\n')
}

function cost({ hourly, what }: VmPrice, expiresAt: number | null, now: number): string {
  const hours = expiresAt === null ? 24 : (expiresAt - now) / 3_600_000
  const total = `${dollars(hourly * hours)} ${expiresAt === null ? 'a day' : 'until its lease ends'}`
  return `${dollars(hourly)} an hour, ${total} (${what})`
}
