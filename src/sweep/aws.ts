import type { EC2Client, Filter, Tag } from '@aws-sdk/client-ec2'
import type { Env } from '../env.ts'
import { explain } from '../errors.ts'
import { LABEL, repositoryLabel } from '../labels.ts'
import type { Failures, Finding, Found, SweepSource } from './found.ts'

export interface AwsOptions {
  /** Empty: every region that the account has enabled. */
  readonly regions: readonly string[]
  /** `owner/name`: AWS looks for its VMs alone. Null: for all that has a label of a run. */
  readonly repository: string | null
  /** Holds the credentials: keys, or a role and the file of its token; else the SDK looks for them. */
  readonly env: Env
}

/** TerminateInstances takes more; a batch that is refused as a whole is asked for one by one. */
const BATCH = 100
/** Where all regions are asked for; any would do. */
const HOME_REGION = 'us-east-1'

type Sdk = typeof import('./aws-sdk.ts')

/** EC2's instances and the disks that they left, by tag, with whatever credentials the SDK finds. */
export function createAwsSource({ regions, repository, env }: AwsOptions): SweepSource {
  const clients = new Map<string, EC2Client>()
  const connect = async (region: string) => {
    const [sdk, { settings }] = await Promise.all([
      import('./aws-sdk.ts'),
      import('../fleet/sky/preflight/aws-sdk.ts'),
    ])
    const client = clients.get(region) ?? new sdk.EC2Client({ ...settings(env, region), maxAttempts: 5 })
    clients.set(region, client)
    return { sdk, client }
  }
  const filters = tagFilters(repository)
  return {
    name: 'aws',
    find: async signal => {
      const places = regions.length > 0 ? regions : await allRegions(connect, signal)
      const findings = await Promise.all(
        places.map(async region => {
          const { sdk, client } = await connect(region)
          return findInRegion(sdk, client, { region, filters, signal })
        }),
      )
      return {
        found: findings.flatMap(({ found }) => found),
        problems: findings.flatMap(({ problems }) => problems),
      }
    },
    end: (found, signal) =>
      byRegion(found, async (region, things) => {
        const { sdk, client } = await connect(region)
        return endInRegion(sdk, client, things, signal)
      }),
    remaining: (found, signal) =>
      byRegion(found, async (region, things) => {
        const { sdk, client } = await connect(region)
        return remainingInRegion(sdk, client, things, signal)
      }),
  }
}

function tagFilters(repository: string | null): Filter[] {
  const ours = { Name: 'tag-key', Values: [LABEL.run] }
  if (repository === null) return [ours]
  return [ours, { Name: `tag:${LABEL.repository}`, Values: [repositoryLabel(repository)] }]
}

async function allRegions(
  connect: (region: string) => Promise<{ sdk: Sdk; client: EC2Client }>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { sdk, client } = await connect(HOME_REGION)
  const { Regions = [] } = await client.send(new sdk.DescribeRegionsCommand({}), { abortSignal: signal })
  return Regions.flatMap(({ RegionName }) => (RegionName ? [RegionName] : []))
}

interface Place {
  readonly region: string
  readonly filters: Filter[]
  readonly signal: AbortSignal
}

async function findInRegion(sdk: Sdk, client: EC2Client, place: Place): Promise<Finding> {
  const searches = [findInstances(sdk, client, place), findDisks(sdk, client, place)]
  const results = await Promise.allSettled(searches)
  return {
    found: results.flatMap(result => (result.status === 'fulfilled' ? result.value : [])),
    problems: results.flatMap(result =>
      result.status === 'fulfilled' ? [] : [`aws ${place.region}: ${explain(result.reason)}`],
    ),
  }
}

async function findInstances(sdk: Sdk, client: EC2Client, place: Place): Promise<Found[]> {
  const { region, filters, signal } = place
  const states = { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] }
  const pages = sdk.paginateDescribeInstances(
    { client, pageSize: 1000 },
    { Filters: [...filters, states] },
    { abortSignal: signal },
  )
  const found: Found[] = []
  for await (const { Reservations = [] } of pages)
    for (const { InstanceId, Tags, LaunchTime, State } of Reservations.flatMap(one => one.Instances ?? [])) {
      if (!InstanceId) continue
      const labels = labelsOf(Tags)
      found.push({
        source: 'aws',
        kind: 'vm',
        id: InstanceId,
        name: labels['skypilot-cluster-name'] ?? labels.Name ?? InstanceId,
        place: region,
        labels,
        createdAt: LaunchTime?.getTime() ?? null,
        state: State?.Name === 'stopped' || State?.Name === 'stopping' ? 'stopped' : 'up',
      })
    }
  return found
}

async function findDisks(sdk: Sdk, client: EC2Client, place: Place): Promise<Found[]> {
  const { region, filters, signal } = place
  const idle = { Name: 'status', Values: ['available'] }
  const pages = sdk.paginateDescribeVolumes(
    { client, pageSize: 500 },
    { Filters: [...filters, idle] },
    { abortSignal: signal },
  )
  const found: Found[] = []
  for await (const { Volumes = [] } of pages)
    for (const { VolumeId, Tags, CreateTime } of Volumes) {
      if (!VolumeId) continue
      const labels = labelsOf(Tags)
      found.push({
        source: 'aws',
        kind: 'disk',
        id: VolumeId,
        name: labels['skypilot-cluster-name'] ?? labels.Name ?? VolumeId,
        place: region,
        labels,
        createdAt: CreateTime?.getTime() ?? null,
        state: 'idle',
      })
    }
  return found
}

async function endInRegion(
  sdk: Sdk,
  client: EC2Client,
  things: readonly Found[],
  signal: AbortSignal,
): Promise<Failures> {
  const failures = new Map<string, string>()
  const attempt = async (ids: readonly string[], work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (error) {
      if (!isGone(error)) for (const id of ids) failures.set(id, explain(error))
      return false
    }
  }
  const terminate = (ids: readonly string[]) =>
    attempt(ids, () =>
      client.send(new sdk.TerminateInstancesCommand({ InstanceIds: [...ids] }), { abortSignal: signal }),
    )
  for (const batch of batches(idsOf(things, 'vm'))) {
    if (await terminate(batch)) continue
    // One id that is gone or protected has the whole batch refused.
    for (const id of batch) {
      failures.delete(id)
      await terminate([id])
    }
  }
  for (const id of idsOf(things, 'disk'))
    await attempt([id], () =>
      client.send(new sdk.DeleteVolumeCommand({ VolumeId: id }), { abortSignal: signal }),
    )
  return failures
}

/** By id, but as a filter: an id that EC2 has forgotten is no error there. `shutting-down` is not billed. */
async function remainingInRegion(
  sdk: Sdk,
  client: EC2Client,
  things: readonly Found[],
  signal: AbortSignal,
): Promise<Failures> {
  const region = things[0]?.place ?? ''
  const searches = batches(things.map(({ id }) => id)).flatMap(ids => {
    const vms = ids.filter(id => id.startsWith('i-'))
    const disks = ids.filter(id => !id.startsWith('i-'))
    const place = (Name: string, Values: string[]): Place => ({ region, filters: [{ Name, Values }], signal })
    return [
      ...(vms.length > 0 ? [findInstances(sdk, client, place('instance-id', vms))] : []),
      ...(disks.length > 0 ? [findDisks(sdk, client, place('volume-id', disks))] : []),
    ]
  })
  const left = (await Promise.all(searches)).flat()
  return new Map(left.map(({ id, state }) => [id, `EC2 still shows it as ${state}`]))
}

async function byRegion(
  found: readonly Found[],
  work: (region: string, things: readonly Found[]) => Promise<Failures>,
): Promise<Failures> {
  const groups = [...Map.groupBy(found, ({ place }) => place)]
  const results = await Promise.all(
    groups.map(([region, things]) =>
      work(region, things).catch(error => new Map(things.map(({ id }) => [id, explain(error)]))),
    ),
  )
  return new Map(results.flatMap(failures => [...failures]))
}

function labelsOf(tags: readonly Tag[] = []): Record<string, string> {
  return Object.fromEntries(tags.flatMap(({ Key, Value }) => (Key ? [[Key, Value ?? '']] : [])))
}

function idsOf(things: readonly Found[], kind: Found['kind']): string[] {
  return things.filter(thing => thing.kind === kind).map(({ id }) => id)
}

function batches(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, i) =>
    ids.slice(i * BATCH, (i + 1) * BATCH),
  )
}

function isGone(error: unknown): boolean {
  return error instanceof Error && /^Invalid(InstanceID|Volume)\.NotFound$/.test(error.name)
}
