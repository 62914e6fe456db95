/** The sweeper's EC2 part against moto: 10,000 instances of which 40 are ours, disks, two regions. */
import {
  CreateVolumeCommand,
  DescribeVolumesCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  paginateDescribeInstances,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { createAwsSource } from '../../../src/sweep/aws.ts'
import { countOutcomes, sweep } from '../../../src/sweep/sweep.ts'
import { type Moto, startMoto } from '../../sweep/support/moto.ts'
import { HERE, labelsOf, runsOf, serveRuns, THEIRS } from '../../sweep/support/world.ts'

const REGIONS = ['us-east-1', 'eu-west-1'] as const
const IMAGE = 'ami-12c6146b'
const ENV = ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION'] as const

type Labels = Readonly<Record<string, string>>
const tagsOf = (labels: Labels) => Object.entries(labels).map(([Key, Value]) => ({ Key, Value }))
const before = new Map<string, string | undefined>()
let moto: Moto

beforeAll(async () => {
  moto = await startMoto()
  for (const name of ENV) before.set(name, process.env[name])
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: moto.url,
    AWS_ACCESS_KEY_ID: 'testing',
    AWS_SECRET_ACCESS_KEY: 'testing',
    AWS_REGION: 'us-east-1',
  })
}, 300_000)

afterAll(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  await moto[Symbol.asyncDispose]()
})

async function launch(region: string, count: number, labels: Labels): Promise<string[]> {
  const Tags = tagsOf(labels)
  const { Instances = [] } = await new EC2Client({ region }).send(
    new RunInstancesCommand({
      ImageId: IMAGE,
      MinCount: count,
      MaxCount: count,
      ...(Tags.length > 0 ? { TagSpecifications: [{ ResourceType: 'instance', Tags }] } : {}),
    }),
  )
  return Instances.flatMap(({ InstanceId }) => InstanceId ?? [])
}

async function running(region: string): Promise<string[]> {
  const client = new EC2Client({ region })
  const Filters = [{ Name: 'instance-state-name', Values: ['running'] }]
  const ids: string[] = []
  for await (const { Reservations = [] } of paginateDescribeInstances(
    { client, pageSize: 1000 },
    { Filters },
  ))
    ids.push(
      ...Reservations.flatMap(one => one.Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []),
    )
  return ids
}

async function sweepAws(regions: readonly string[]) {
  await using github = await serveRuns()
  return await sweep({
    sources: [createAwsSource({ regions, repository: HERE, env: process.env })],
    runs: runsOf(github),
    repository: HERE,
    dryRun: false,
    clock: systemClock,
    signal: AbortSignal.timeout(500_000),
  })
}

describe('a sweep of EC2', () => {
  it('finds 40 of 10,000 instances, ends them and nothing else', async () => {
    const theirs: string[] = []
    const ours: string[] = []
    for (let n = 0; n < 10; n++) {
      const region = REGIONS[n % 2] ?? ''
      // Most without tags, as they are: for each instance moto looks at those of all others.
      theirs.push(...(await launch(region, 926, {})))
      for (const labels of THEIRS) theirs.push(...(await launch(region, 10, labels)))
      ours.push(...(await launch(region, 4, labelsOf())))
    }
    const report = await sweepAws(REGIONS)
    expect(report.problems).toEqual([])
    expect(countOutcomes(report)).toMatchObject({ ended: 40, failed: 0 })
    const ended = report.rows.filter(({ outcome }) => outcome === 'ended').map(({ id }) => id)
    expect(ended.toSorted()).toEqual(ours.toSorted())
    const left = (await Promise.all(REGIONS.map(running))).flat()
    expect(left.toSorted()).toEqual(theirs.toSorted())
  })

  it('looks in all regions by itself; a protected instance is said, the rest goes, and so do left disks', async () => {
    const region = 'ap-south-1'
    const client = new EC2Client({ region })
    const [guarded = '', plain = ''] = await launch(region, 2, labelsOf())
    const DisableApiTermination = { Value: true }
    await client.send(new ModifyInstanceAttributeCommand({ InstanceId: guarded, DisableApiTermination }))
    const place = { AvailabilityZone: `${region}a`, Size: 1 }
    for (const labels of [labelsOf(), labelsOf({ repository: 'acme/other' })]) {
      const tags = { TagSpecifications: [{ ResourceType: 'volume' as const, Tags: tagsOf(labels) }] }
      await client.send(new CreateVolumeCommand({ ...place, ...tags }))
    }
    const report = await sweepAws([])
    expect(report.problems).toEqual([])
    const mine = report.rows.filter(row => row.place === region)
    expect(mine.find(({ id }) => id === plain)?.outcome).toBe('ended')
    expect(mine.find(({ id }) => id === guarded)?.outcome).toBe('failed')
    expect(mine.find(({ kind }) => kind === 'disk')?.outcome).toBe('ended')
    const available = { Filters: [{ Name: 'status', Values: ['available'] }] }
    const { Volumes = [] } = await client.send(new DescribeVolumesCommand(available))
    expect(Volumes).toHaveLength(1)
    expect(await running(region)).toEqual([guarded])
  })
})
