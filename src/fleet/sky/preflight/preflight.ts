import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../../clock.ts'
import { type Env, tempFolder } from '../../../env.ts'
import { explain, InputError, type Problem } from '../../../errors.ts'
import type { LaunchRequest, Offer, Preflight, PreflightCheck, PreflightLimits } from '../../fleet.ts'
import { checkArgs, dryrunArgs } from '../argv.ts'
import type { Renderer } from '../context.ts'
import { readOffers, type SkyOffer } from '../offers.ts'
import { cleanLines, readJson } from '../output.ts'
import type { SkyCli } from '../types.ts'
import { type AwsNeed, checkAwsIdentity, checkAwsQuotas } from './aws.ts'
import { budgetProblems } from './budget.ts'
import { checkGcp, type GcpNeed } from './gcp.ts'

export interface PreflightDeps {
  readonly cli: SkyCli
  readonly renderer: Renderer
  readonly clock: Clock
  /** Of the `sky` calls: credentials included. */
  readonly env: Env
  /** Another machine's credentials and state: nothing of this one's is looked at. */
  readonly sharedServer: boolean
}

const CHECK_MS = 180_000

/** Everything that can be looked at, side by side, without judging it: for `lmrun doctor`. */
export async function lookAhead(
  requests: readonly LaunchRequest[],
  { minutes }: PreflightLimits,
  deps: PreflightDeps,
): Promise<Preflight> {
  const clouds = [...new Set(requests.flatMap(({ resources }) => resources.infra.map(cloudOf)))].sort()
  const until = deps.clock.now() + minutes * 60_000
  const [enabled, identities, priced] = await Promise.all([
    checkEnabled(clouds, deps),
    deps.sharedServer
      ? [sharedCheck]
      : Promise.all(clouds.map(cloud => checkIdentity(cloud, deps.env, until))),
    Promise.all(requests.map(request => priceOf(request, deps))),
  ])
  const quotas = deps.sharedServer ? [] : await checkQuotas(priced, deps.env)
  return {
    checks: [...identities, ...enabled, ...priced.map(({ check }) => check), ...quotas],
    offers: priced.flatMap(({ offer }) => offer ?? []),
  }
}

/**
 * @throws InputError with everything that would make the run fail or cost too much
 */
export async function preflight(
  requests: readonly LaunchRequest[],
  limits: PreflightLimits,
  deps: PreflightDeps,
): Promise<Preflight> {
  const found = await lookAhead(requests, limits, deps)
  const problems = preflightProblems(requests, limits, found)
  if (problems.length > 0) throw new InputError(problems)
  return found
}

export function preflightProblems(
  requests: readonly LaunchRequest[],
  { maxHourlyCost }: PreflightLimits,
  { checks, offers }: Preflight,
): readonly Problem[] {
  const failed = checks
    .filter(({ status }) => status === 'failed')
    .map(({ what, detail, hint }) => ({ where: what, what: detail, allowed: hint ?? 'See `lmrun doctor`' }))
  return [...failed, ...budgetProblems(requests, offers, maxHourlyCost)]
}

const sharedCheck: PreflightCheck = {
  what: 'credentials',
  status: 'unknown',
  detail: 'they are those of the shared API server, and nothing of this machine says how long they last',
}

const cloudOf = (infra: string) => {
  const [cloud = ''] = infra.toLowerCase().split('/')
  return cloud === 'k8s' ? 'kubernetes' : cloud
}

async function checkIdentity(cloud: string, env: Env, until: number): Promise<PreflightCheck> {
  if (cloud === 'aws') return checkAwsIdentity(env, until)
  if (cloud === 'gcp') return (await checkGcp(env, []))[0] ?? unknownIdentity(cloud)
  return unknownIdentity(cloud)
}

const unknownIdentity = (cloud: string): PreflightCheck => ({
  what: `credentials of ${cloud}`,
  status: 'unknown',
  detail: 'how long they last cannot be asked; whether there are any is what `sky check` says',
})

/** `sky check -o json`: what is enabled of each cloud, by workspace: `{"default": {"AWS": ["compute", "storage"]}}`. */
const enabledSchema = z.record(z.string(), z.record(z.string(), z.array(z.string())))

async function checkEnabled(
  clouds: readonly string[],
  { cli }: PreflightDeps,
): Promise<readonly PreflightCheck[]> {
  if (clouds.length === 0) return []
  try {
    const read = readJson(enabledSchema, await cli.run(checkArgs(clouds), { timeoutMs: CHECK_MS }))
    if (!read.ok) throw new Error(read.reason)
    const enabled = new Set(Object.values(read.value).flatMap(Object.keys).map(cloudOf))
    return clouds.map(cloud =>
      enabled.has(cloud)
        ? { what: `${cloud} in SkyPilot`, status: 'ok', detail: 'enabled' }
        : {
            what: `${cloud} in SkyPilot`,
            status: 'failed',
            detail: '`sky check` does not find it usable',
            hint: `Run \`sky check ${cloud}\`: it says what is missing`,
          },
    )
  } catch (error) {
    return [{ what: '`sky check`', status: 'unknown', detail: explain(error) }]
  }
}

interface Priced {
  readonly check: PreflightCheck
  readonly row: SkyOffer | null
  readonly offer: Offer | null
}

/** A dry run chooses as the launch will, and says what that costs. */
async function priceOf(request: LaunchRequest, { cli, renderer, env }: PreflightDeps): Promise<Priced> {
  const what = `offer for ${request.name}`
  const rendered = await renderer.render(request).catch((error: unknown) => refusedTemplate(request, error))
  if ('check' in rendered) return rendered
  const { yaml } = rendered
  const folder = await mkdtemp(path.join(tempFolder(env), 'lmrun-preflight-'))
  try {
    const file = path.join(folder, 'task.yaml')
    await writeFile(file, yaml, { mode: 0o600 })
    const { exitCode, stdout, stderr } = await cli.run(dryrunArgs(file), { timeoutMs: CHECK_MS })
    const rows = readOffers(stdout)
    const row = rows.find(({ chosen }) => chosen) ?? (rows.length === 1 ? (rows[0] ?? null) : null)
    if (row) return priced(request, what, row)
    const said = cleanLines(stderr).at(-1) ?? cleanLines(stdout).at(-1) ?? 'nothing'
    if (exitCode === 0) return noPrice({ what, status: 'unknown', detail: `no price in: ${said}` })
    return noPrice({ what, status: 'failed', detail: said, hint: hintOf(`${stdout}\n${stderr}`) })
  } catch (error) {
    return noPrice({ what, status: 'unknown', detail: explain(error) })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What is wrong with one template does not keep the others from being looked at. */
function refusedTemplate({ name }: LaunchRequest, error: unknown): Priced {
  if (!(error instanceof InputError)) throw error
  const detail = error.problems.map(({ where, what }) => `${where}: ${what}`).join('; ')
  const hint = [...new Set(error.problems.map(({ allowed }) => allowed))].join('; ')
  return noPrice({ what: `template of ${name}`, status: 'failed', detail, hint })
}

/** SkyPilot names what is nearest to an accelerator that nobody has. Source: sky/optimizer.py */
function hintOf(output: string): string {
  const named = cleanLines(output).flatMap(
    line => /(?:Did you mean|Try one of these offered accelerators): \[(.+)\]/.exec(line)?.[1] ?? [],
  )
  const nearest = [...new Set(named.flatMap(list => list.replace(/['"]/g, '').split(/,\s*/)))]
  const list = 'Ask for other accelerators or another infra; `sky gpus list` shows what there is'
  return nearest.length === 0 ? list : `The nearest that there are: ${nearest.join(', ')}. ${list}`
}

const noPrice = (check: PreflightCheck): Priced => ({ check, row: null, offer: null })

function priced({ name }: LaunchRequest, what: string, row: SkyOffer): Priced {
  const { infra, instance, accelerators, hourly, spot } = row
  const machine = [infra, instance, accelerators].filter(part => part && part !== '-').join(' ')
  const detail = `${machine}${spot ? ', spot' : ''}: $${hourly.toFixed(2)} an hour`
  return { row, check: { what, status: 'ok', detail }, offer: { vm: name, hourly, spot, what: machine } }
}

async function checkQuotas(all: readonly Priced[], env: Env): Promise<readonly PreflightCheck[]> {
  const rows = all.flatMap(({ row }) => row ?? [])
  const aws = rows.flatMap(row => awsNeed(row) ?? [])
  const gcp = rows.flatMap(row => gcpNeed(row) ?? [])
  const [onAws, [, ...onGcp]] = await Promise.all([
    aws.length > 0 ? checkAwsQuotas(env, aws) : [],
    gcp.length > 0 ? checkGcp(env, gcp) : [],
  ])
  const others = rows.filter(({ infra }) => !/^(AWS|GCP|Kubernetes|Slurm|SSH)\b/.test(infra))
  const unknown = [...new Set(others.map(({ infra }) => infra.split(' ')[0]))].map(
    (cloud): PreflightCheck => ({
      what: `quota of ${cloud}`,
      status: 'unknown',
      detail: 'it cannot be asked',
    }),
  )
  return [...onAws, ...onGcp, ...unknown]
}

const regionOf = ({ infra }: SkyOffer) => /\(([a-z]+-[a-z0-9-]*\d)(-[a-z])?\)/.exec(infra)?.[1]

function awsNeed(row: SkyOffer): AwsNeed | null {
  const region = regionOf(row)
  if (!row.infra.startsWith('AWS') || !region || !row.vcpus) return null
  return { region: region.replace(/[a-z]$/, ''), instance: row.instance, vcpus: row.vcpus, spot: row.spot }
}

function gcpNeed(row: SkyOffer): GcpNeed | null {
  const region = regionOf(row)
  const [, accelerator, count] = /^([\w-]+):(\d+)$/.exec(row.accelerators) ?? []
  if (!row.infra.startsWith('GCP') || !region || !accelerator) return null
  return { region, accelerator, count: Number(count), spot: row.spot }
}
